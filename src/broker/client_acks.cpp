// Outbound, second half: acknowledgements of the client for what was sent to it.

#include <utility>

#include "broker/core.hpp"

namespace keepmq::broker {

void Outbound::on_puback(Session& session, const mqtt::Puback& packet, Now now) {
    Sent* sent = session.inflight.find(packet.packet_id);
    if (!sent || sent->delivery.qos != Qos::at_least_once)
        return;
    if (!waits(session, *sent, is_error(packet.reason)))
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
    if (const bool refused = is_error(packet.reason); !waits(session, *sent, refused))
        release(session, *sent, refused, now);
}

bool Outbound::waits(const Session& session, Sent& sent, bool refused) {
    if (sent.acknowledged)
        return true;
    sent.acknowledged =
        sent.delivery.number != 0 && !sent.released &&
        core_.repeatable.defer(sent.delivery.message->id, {session.key, sent.packet_id});
    sent.refused = refused;
    return sent.acknowledged;
}

void Outbound::on_unrepeatable(MessageId id, Now now) {
    core_.received.end(id);
    for (const auto& waiting : core_.repeatable.end(id)) {
        auto* session = core_.sessions.find(waiting.session);
        auto* sent = session ? session->inflight.find(waiting.packet_id) : nullptr;
        // It counts on its connection only: on the next one the message was sent again.
        if (!sent || !std::exchange(sent->acknowledged, false))
            continue;
        if (sent->delivery.qos == Qos::at_least_once)
            over(*session, *sent, now);
        else
            release(*session, *sent, sent->refused, now);
    }
}

void Outbound::release(Session& session, Sent& sent, bool refused, Now now) {
    if (refused) {
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
