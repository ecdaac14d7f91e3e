// Outbound, second half: acknowledgements of the client for what was sent to it.

#include "broker/core.hpp"

namespace keepmq::broker {

void Outbound::on_puback(Session& session, const mqtt::Puback& packet, Now now) {
    Sent* sent = session.inflight.find(packet.packet_id);
    if (!sent || sent->delivery.qos != Qos::at_least_once)
        return;
    if (!waits(session, *sent, packet.reason))
        over(session, *sent, now);
}

void Outbound::on_pubrec(Session& session, const mqtt::Pubrec& packet, Now now) {
    Sent* sent = session.inflight.find(packet.packet_id);
    if (!sent || sent->delivery.qos != Qos::exactly_once) {
        if (!is_error(packet.reason))
            core_.send_ack<mqtt::Pubrel>(*session.connection,
                                         packet.packet_id,
                                         mqtt::ReasonCode::packet_identifier_not_found);
        return;
    }
    if (!waits(session, *sent, packet.reason))
        received(session, *sent, packet.reason, now);
}

bool Outbound::waits(const Session& session, const Sent& sent, mqtt::ReasonCode reason) {
    return sent.delivery.number != 0 && !sent.released &&
           core_.repeatable.defer(sent.delivery.message->id,
                                  {session.connection->id, sent.packet_id, reason});
}

void Outbound::go_on(MessageId id, Now now) {
    for (const auto& waiting : core_.repeatable.end(id)) {
        const auto* connection = core_.find(waiting.connection);
        if (!connection || connection->state != Connection::State::connected)
            continue;
        auto& session = *connection->session;
        auto* sent = session.inflight.find(waiting.packet_id);
        if (!sent || sent->released || sent->delivery.message->id != id)
            continue;
        if (sent->delivery.qos == Qos::at_least_once)
            over(session, *sent, now);
        else
            received(session, *sent, waiting.reason, now);
    }
}

void Outbound::received(Session& session, Sent& sent, mqtt::ReasonCode reason, Now now) {
    if (is_error(reason)) {
        over(session, sent, now);  // no PUBREL, the identifier is free [MQTT-4.3.3-4]
        return;
    }
    if (!sent.released)
        acknowledged(session, sent.delivery, now);
    // Only the identifier is needed from here on [MQTT-4.3.3-5, MQTT-4.3.3-6].
    sent.released = true;
    sent.delivery.message.reset();
    sent.delivery.group = 0;
    if (sent.delivery.number != 0)
        core_.journal.add(DeliveryReleased{sent.delivery.number});
    hold(*session.connection, sent.delivery);
    core_.send_ack<mqtt::Pubrel>(*session.connection, sent.packet_id);
}

void Outbound::on_pubcomp(Session& session, const mqtt::Pubcomp& packet, Now now) {
    Sent* sent = session.inflight.find(packet.packet_id);
    if (!sent || !sent->released)
        return;
    over(session, *sent, now);
}

/// What the code was does not matter: the message counts as acknowledged.
void Outbound::over(Session& session, Sent& sent, Now now) {
    if (!sent.released)
        acknowledged(session, sent.delivery, now);
    complete(session, sent);
    pump(session, now);
}

void Outbound::acknowledged(Session& session, Delivery& delivery, Now now) {
    core_.raise(Hook::message_acked, [&] {
        return MessageAcked{session.who(), now.wall, delivery.message, delivery.qos};
    });
    drop_settled(session, delivery);
    delivery.tracked = false;
}

void Outbound::complete(Session& session, Sent& sent) {
    if (sent.counted)
        --session.outstanding;
    forget(sent.delivery);
    session.inflight.erase(sent);
    --core_.stats.inflight;
}

}  // namespace keepmq::broker
