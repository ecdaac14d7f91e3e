#pragma once
// One batch of writes.

#include <optional>
#include <span>
#include <vector>

#include "backends/redis/servers.hpp"
#include "store/connection.hpp"

namespace keepmq::redis {

/// No value: written, except for the operations in `refused`, which the server refused for good.
[[nodiscard]] std::optional<store::Failure> write_batch(
    Servers& servers,
    std::span<const store::Op* const> batch,
    store::Attempt attempt,
    std::vector<store::Connection::Refused>& refused);

}  // namespace keepmq::redis
