#pragma once
// Answers queries with few round trips: subscriptions, retained messages, pages of stored messages.
//
// A page for one topic is one statement. A filter with wildcards is first asked for the oldest row
// that the client has not read, by jumping from topic to topic in the index, and then read on from
// there in windows of the row id; the broker matches the filter, the database what is like it.

#include <variant>

#include "sql/database.hpp"
#include "sql/layout.hpp"
#include "store/op.hpp"

namespace keepmq::sql {

[[nodiscard]] std::variant<store::Reply, store::Failure> answer(Database& database,
                                                                const Layout& layout,
                                                                const store::Query& query);

/// A `like` pattern (escape '!') that matches all that the filter matches, and perhaps more.
[[nodiscard]] std::string like_pattern(std::string_view filter);

}  // namespace keepmq::sql
