#pragma once
// Cassandra as a backend of the store.

#include "store/backend.hpp"

namespace keepmq::cassa {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::cassa
