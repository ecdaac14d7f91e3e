#pragma once
// SQLite: the tables in a file beside the broker, for installations without a database server.

#include "store/backend.hpp"

namespace keepmq::sqlite {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::sqlite
