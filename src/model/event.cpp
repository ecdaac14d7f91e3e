#include "model/event.hpp"

#include <array>

#include "base/overloaded.hpp"

namespace keepmq {
namespace {

constexpr std::array<std::string_view, hook_count> names{"client.connected",
                                                         "client.disconnected",
                                                         "session.created",
                                                         "session.resumed",
                                                         "session.subscribed",
                                                         "session.unsubscribed",
                                                         "session.terminated",
                                                         "message.publish",
                                                         "message.delivered",
                                                         "message.acked"};

}  // namespace

std::string_view to_string(Hook hook) {
    return names[static_cast<std::size_t>(hook)];
}

std::optional<Hook> parse_hook(std::string_view dotted) {
    if (dotted == "message.deliver")
        return Hook::message_delivered;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == dotted)
            return static_cast<Hook>(i);
    return std::nullopt;
}

Hook hook_of(const Event& event) {
    return std::visit(Overloaded{
                          [](const ClientConnected&) { return Hook::client_connected; },
                          [](const ClientDisconnected&) { return Hook::client_disconnected; },
                          [](const SessionCreated&) { return Hook::session_created; },
                          [](const SessionResumed&) { return Hook::session_resumed; },
                          [](const SessionSubscribed&) { return Hook::session_subscribed; },
                          [](const SessionUnsubscribed&) { return Hook::session_unsubscribed; },
                          [](const SessionTerminated&) { return Hook::session_terminated; },
                          [](const MessagePublish&) { return Hook::message_publish; },
                          [](const MessageDelivered&) { return Hook::message_delivered; },
                          [](const MessageAcked&) { return Hook::message_acked; },
                      },
                      event);
}

}  // namespace keepmq
