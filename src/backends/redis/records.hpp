#pragma once
// Hashes as messages, whoever wrote them. Pure.

#include <optional>
#include <string_view>

#include "backends/redis/command.hpp"
#include "model/message.hpp"

namespace keepmq::redis {

/// The message in the answer to HGETALL; null if it is not one. `id` is its member in the index, or
/// empty: then the hash says.
[[nodiscard]] std::shared_ptr<const Message> parse_message(const Answer& hash, std::string_view id);

/// `qos` of a subscription; -1 for what is no number.
[[nodiscard]] std::int64_t parse_qos(std::string_view text);

}  // namespace keepmq::redis
