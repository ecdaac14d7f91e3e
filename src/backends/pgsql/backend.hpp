#pragma once
// PostgreSQL: the tables of EMQ X's plugin in a database server.

#include "store/backend.hpp"

namespace keepmq::pgsql {

[[nodiscard]] const store::BackendDescriptor& descriptor();

}  // namespace keepmq::pgsql
