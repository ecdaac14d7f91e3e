#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.hpp"

namespace keepmq::runtime {

/// `$SYS/brokers/...` in the shape of EMQ X and `$SYS/broker/...` with mosquitto's names.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> sys_topics(
    std::string_view node,
    std::chrono::seconds uptime,
    const broker::Stats& stats,
    std::uint64_t bytes_received,
    std::uint64_t bytes_sent);

}  // namespace keepmq::runtime
