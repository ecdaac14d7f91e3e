#pragma once
// The names of the keys. Those that begin with `mqtt:` are EMQ X's.

#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "model/message_id.hpp"

namespace keepmq::redis {

inline std::string client_key(const ClientId& client) {
    return "mqtt:client:" + client.str();
}
inline std::string node_key(std::string_view node) {
    return "mqtt:node:" + std::string{node};
}
inline std::string subscriptions_key(const ClientId& client) {
    return "mqtt:sub:" + client.str();
}
/// Hash of one message, by its id as text.
inline std::string message_key(std::string_view id) {
    return "mqtt:msg:" + std::string{id};
}
/// Sorted set with the ids of the messages of a topic.
inline std::string index_key(std::string_view topic) {
    return "mqtt:msg:" + std::string{topic};
}
inline std::string retained_key(std::string_view topic) {
    return "mqtt:retain:" + std::string{topic};
}
/// A topic, or a filter with wildcards.
inline std::string position_key(const ClientId& client, std::string_view filter) {
    return "mqtt:acked:" + client.str() + ':' + std::string{filter};
}

/// Topics that have stored, or retained, messages: for filters with wildcards.
inline constexpr std::string_view topics_key = "keepmq:topics";
inline constexpr std::string_view retained_topics_key = "keepmq:retained";

}  // namespace keepmq::redis
