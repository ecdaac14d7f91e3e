#pragma once
// Answers queries. Filters with wildcards start where the client has something unread.

#include <variant>

#include "backends/mysql/tables.hpp"
#include "store/op.hpp"

namespace keepmq::mysql {

/// sql::answer() for these servers. Their optimizers read a whole index where sql::answer() would
/// jump from topic to topic in it, so the first unread row is looked for in another way.
[[nodiscard]] std::variant<store::Reply, store::Failure> answer(sql::Database& database,
                                                                const Tables& tables,
                                                                const store::Query& query);

}  // namespace keepmq::mysql
