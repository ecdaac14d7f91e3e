#pragma once
// Answers queries: subscriptions, retained messages, pages of stored messages.

#include <variant>

#include "backends/sqlite/database.hpp"
#include "backends/sqlite/translate.hpp"
#include "store/op.hpp"

namespace keepmq::sqlite {

/// Runs the query; the caller holds a transaction around it.
[[nodiscard]] std::variant<store::Reply, store::Failure> answer(Database& database,
                                                                const Translator& translator,
                                                                const Layout& layout,
                                                                const store::Query& query);

}  // namespace keepmq::sqlite
