#pragma once
// MySQL and MariaDB.

#include "store/backend.hpp"

namespace keepmq::mysql {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::mysql
