#pragma once
// Answers to queries.

#include <variant>

#include "backends/redis/merge.hpp"
#include "backends/redis/servers.hpp"
#include "store/op.hpp"

namespace keepmq::redis {

[[nodiscard]] std::variant<store::Reply, store::Failure> answer(Servers& servers,
                                                                PageCache& cache,
                                                                const store::Query& query);

}  // namespace keepmq::redis
