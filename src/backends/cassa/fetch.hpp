#pragma once
// Answers queries: subscriptions, retained messages, pages of stored messages.
//
// A topic is a partition, sorted by message id. A filter with wildcards goes through the topics in
// the order of their tokens, a window of topics for each page; only within a page is there an order
// across topics.

#include <variant>

#include "backends/cassa/connection.hpp"
#include "backends/cassa/translate.hpp"
#include "store/op.hpp"

namespace keepmq::cassa {

[[nodiscard]] std::variant<store::Reply, store::Failure> answer(Session& session,
                                                                const Translator& translator,
                                                                const store::Query& query,
                                                                const Interrupt& interrupt);

}  // namespace keepmq::cassa
