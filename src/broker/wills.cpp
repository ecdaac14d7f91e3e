// Lifecycle: will messages.

#include "broker/core.hpp"

namespace keepmq::broker {

std::unique_ptr<PendingWill> Lifecycle::make_will(const Session& session, const mqtt::Will& will) {
    auto message = std::make_shared<Message>();
    message->topic = TopicName{will.topic};
    message->payload = will.payload;
    message->qos = will.qos;        // [MQTT-3.1.2-12]
    message->retain = will.retain;  // [MQTT-3.1.2-14, MQTT-3.1.2-15]
    message->sender = session.client;
    message->username = session.username;
    message->peerhost = session.peerhost;
    message->properties = copy_properties(will.properties);
    return std::make_unique<PendingWill>(PendingWill{std::move(message), will.delay_interval});
}

/// Once; afterwards the session has no will [MQTT-3.1.2-10].
void Lifecycle::publish_will(Session& session, Now now) {
    session.will_due.reset();
    const auto will = std::move(session.will);
    if (!will)
        return;
    core_.stamp(*will->message, now);
    core_.effects.emplace_back(Published{std::move(will->message), Ticket{}, ConnectionId{}});
}

}  // namespace keepmq::broker
