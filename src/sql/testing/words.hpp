#pragma once
// What the tests of databases with tables read out of rows, and how golden files show bound values.

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sql/database.hpp"
#include "sql/params.hpp"
#include "store/testing/presence.hpp"

namespace keepmq::sql::testing {

/// What a second program reads. After a failure the test fails and there are no rows.
[[nodiscard]] Rows rows_of(std::variant<Rows, store::Failure> answer);

/// First column of all rows, separated by blanks.
[[nodiscard]] std::string first_column(const Rows& rows);
/// First column of the first row. Nothing: no row, or NULL.
[[nodiscard]] std::optional<std::string> first_value(const Rows& rows);

enum class Created : bool { no, yes };
/// The first row: state, node, online_at, offline_at, and created if the table has it.
[[nodiscard]] std::optional<store::testing::Presence> first_presence(
    const Rows& rows, Created created = Created::yes);

/// For std::visit: a parameter as text.
struct ParamText {
    std::string operator()(std::monostate /*null*/) const { return "null"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(std::string_view value) const { return fmt::format("'{}'", value); }
    std::string operator()(BlobView value) const;
};
/// The statement in one line, and its parameters as `?1 = ...` in a line each.
[[nodiscard]] std::string to_text(std::string_view sql, const std::vector<Param>& params);

}  // namespace keepmq::sql::testing
