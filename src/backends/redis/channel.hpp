#pragma once
// Messages of the command channel: {"type": "subscribe", "topic": "t", "clientid": "c", "qos":
// "1"}. Pure.

#include <string>
#include <string_view>
#include <variant>

#include "store/channel.hpp"

namespace keepmq::redis {

/// The command, or what is wrong with it.
[[nodiscard]] std::variant<store::ChannelCommand, std::string> parse_command(std::string_view text);

}  // namespace keepmq::redis
