#pragma once
// The tables: what a database has, and what makes the ones of ours.

#include <string_view>

#include "sql/database.hpp"
#include "sql/layout.hpp"
#include "store/backend.hpp"

namespace keepmq::pgsql {

/// schema/001_init.sql.
[[nodiscard]] std::string_view schema_script();

struct Inspection {
    store::SchemaReport report;
    sql::Layout layout;
};

/// Looks at the tables of an open database.
[[nodiscard]] Inspection inspect(sql::Database& database);

}  // namespace keepmq::pgsql
