#pragma once
// The tables: what a file has, and what makes the ones of ours.

#include <string_view>
#include <variant>

#include "backends/sqlite/database.hpp"
#include "backends/sqlite/translate.hpp"
#include "store/backend.hpp"

namespace keepmq::sqlite {

/// schema/001_init.sql.
[[nodiscard]] std::string_view schema_script();

struct Inspection {
    store::SchemaReport report;
    Layout layout;
};

/// Looks at the tables of an open file.
[[nodiscard]] Inspection inspect(Database& database);

}  // namespace keepmq::sqlite
