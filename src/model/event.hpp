#pragma once
// The closed set of things that happen and that rules can be bound to ("hooks").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "model/message.hpp"

namespace keepmq {

enum class Hook : std::uint8_t {
    client_connected,
    client_disconnected,
    session_created,
    session_resumed,
    session_subscribed,
    session_unsubscribed,
    session_terminated,
    message_publish,
    message_delivered,
    message_acked,
};
inline constexpr std::size_t hook_count = 10;

/// `message.publish` etc.
[[nodiscard]] std::string_view to_string(Hook hook);

/// Reads the dotted name; `message.deliver` is `message.delivered`.
[[nodiscard]] std::optional<Hook> parse_hook(std::string_view dotted);

/// Who the event is about.
struct ClientInfo {
    ClientId client;
    std::string username;  ///< empty if none was sent
    std::string peerhost;  ///< address without port
};

struct ClientConnected {
    ClientInfo who;
    WallTime at;
};
struct ClientDisconnected {
    ClientInfo who;
    WallTime at;
    WallTime connected_at;  ///< of the connection that ended: guards the newer connect of the same
                            ///< client
    std::string reason;     ///< `normal`, `keepalive_timeout`, `takenover`, `kicked`, `closed`, ...
};
struct SessionCreated {
    ClientInfo who;
    WallTime at;
};
struct SessionResumed {
    ClientInfo who;
    WallTime at;
};
struct SessionTerminated {
    ClientInfo who;
    WallTime at;
    std::string reason;  ///< `expired`, `discarded`, `takenover`
};
struct SessionSubscribed {
    ClientInfo who;
    WallTime at;
    TopicFilter filter;  ///< without `$share/<group>/`
    bool shared = false;
    Qos qos = Qos::at_most_once;  ///< granted
};
struct SessionUnsubscribed {
    ClientInfo who;
    WallTime at;
    TopicFilter filter;
    bool shared = false;
};
struct MessagePublish {
    MessagePtr message;
};
struct MessageDelivered {
    ClientInfo who;  ///< the receiver
    WallTime at;
    MessagePtr message;
    Qos qos;  ///< of this delivery
};
struct MessageAcked {
    ClientInfo who;  ///< the receiver
    WallTime at;
    MessagePtr message;
    Qos qos;  ///< of this delivery: PUBACK for 1, PUBREC for 2
};

using Event = std::variant<ClientConnected,
                           ClientDisconnected,
                           SessionCreated,
                           SessionResumed,
                           SessionSubscribed,
                           SessionUnsubscribed,
                           SessionTerminated,
                           MessagePublish,
                           MessageDelivered,
                           MessageAcked>;

[[nodiscard]] Hook hook_of(const Event& event);

}  // namespace keepmq
