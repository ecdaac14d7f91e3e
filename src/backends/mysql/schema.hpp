#pragma once
// The tables: what a database has, and what makes the ones of ours.

#include <string_view>

#include "backends/mysql/tables.hpp"
#include "sql/database.hpp"
#include "store/backend.hpp"

namespace keepmq::mysql {

/// schema/001_init.sql.
[[nodiscard]] std::string_view schema_script();

struct Inspection {
    store::SchemaReport report;
    Tables tables;
};

/// Looks at the tables of the database that is connected to.
[[nodiscard]] Inspection inspect(sql::Database& database);

}  // namespace keepmq::mysql
