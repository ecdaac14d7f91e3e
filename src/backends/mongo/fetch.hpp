#pragma once
// Answers to queries.

#include <string>
#include <string_view>
#include <variant>

#include "backends/mongo/connection.hpp"
#include "store/op.hpp"

namespace keepmq::mongo {

[[nodiscard]] std::variant<store::Reply, store::Failure> answer(Connection& connection,
                                                                const store::Query& query);

/// The condition on a topic that the filter matches; perhaps it lets others through, too.
[[nodiscard]] Document topics_like(std::string_view filter);

}  // namespace keepmq::mongo
