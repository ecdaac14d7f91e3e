#pragma once
// MongoDB as a database of the broker.

#include "store/backend.hpp"

namespace keepmq::mongo {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::mongo
