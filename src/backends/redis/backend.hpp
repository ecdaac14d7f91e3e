#pragma once
// The Redis backend: what the registry lists.

#include "store/backend.hpp"

namespace keepmq::redis {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::redis
