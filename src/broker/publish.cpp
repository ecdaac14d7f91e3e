// Inbound: PUBLISH and PUBREL of clients.

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

using mqtt::ReasonCode;

std::unique_ptr<const MessageProperties> copy_properties(const mqtt::PublishProperties& from) {
    if (from == mqtt::PublishProperties{})
        return nullptr;
    auto to = std::make_unique<MessageProperties>();
    to->payload_format_indicator = from.payload_format_indicator;
    to->message_expiry_interval = from.message_expiry_interval;
    to->content_type = from.content_type;
    to->response_topic = from.response_topic;
    to->correlation_data = from.correlation_data;
    to->user_properties.assign(from.user_properties.begin(), from.user_properties.end());
    return to;
}

void Inbound::on_publish(Connection& connection, const mqtt::Publish& packet, Now now) {
    ++core_.stats.messages_received;
    ++connection.session->messages_received;
    const auto topic = resolve_topic(connection, packet, now);
    if (topic.empty() || !is_allowed(connection, packet, topic, now))
        return;
    // Each answer that waits for its turn is a PUBLISH that takes quota, also a repeated one.
    const bool too_many =
        packet.qos != Qos::at_most_once && exceeds_quota(connection, connection.acks.size());
    if (!too_many && packet.qos == Qos::exactly_once && answer_repeated(connection, packet))
        return;
    if (too_many ||
        (packet.qos != Qos::at_most_once && exceeds_quota(connection, connection.unacknowledged))) {
        core_.lifecycle.protocol_error(
            connection, ReasonCode::receive_maximum_exceeded, now);  // [MQTT-3.3.4-7]
        return;
    }
    const auto limit = core_.limits.max_topic_levels;
    // A topic has at most one level more than bytes: most need not be counted.
    if (limit != 0 && topic.size() >= limit && topic_levels(topic) > limit) {
        refuse(connection, packet, ReasonCode::topic_name_invalid, now);
        return;
    }
    admit(connection, packet, topic, now);
}

std::string_view Inbound::resolve_topic(Connection& connection,
                                        const mqtt::Publish& packet,
                                        Now now) {
    const auto alias = packet.topic_alias;
    if (alias == 0)
        return packet.topic;
    if (alias > core_.limits.max_topic_alias) {
        core_.lifecycle.protocol_error(
            connection, ReasonCode::topic_alias_invalid, now);  // [MQTT-3.3.2-9]
        return {};
    }
    if (!connection.aliases_in)
        connection.aliases_in = std::make_unique<InboundAliases>();
    if (!packet.topic.empty()) {
        (*connection.aliases_in)[alias] = packet.topic;
        return packet.topic;
    }
    const auto known = connection.aliases_in->find(alias);
    if (known == connection.aliases_in->end()) {
        core_.lifecycle.protocol_error(connection, ReasonCode::protocol_error, now);
        return {};
    }
    return known->second;
}

bool Inbound::is_allowed(Connection& connection,
                         const mqtt::Publish& packet,
                         std::string_view topic,
                         Now now) {
    auto reason = ReasonCode::success;
    if (topic.empty())
        reason = ReasonCode::protocol_error;
    else if (packet.qos > core_.limits.max_qos)
        reason = ReasonCode::qos_not_supported;  // [MQTT-3.2.2-11]
    else if (packet.retain && !core_.limits.retain_available)
        reason = ReasonCode::retain_not_supported;  // [MQTT-3.2.2-14]
    if (reason == ReasonCode::success)
        return true;
    core_.lifecycle.protocol_error(connection, reason, now);
    return false;
}

bool Inbound::answer_repeated(Connection& connection, const mqtt::Publish& packet) {
    auto& incoming = connection.session->incoming;
    const auto known = incoming.find(packet.packet_id);
    if (known == incoming.end())
        return false;
    if (known->second.ticket == 0) {
        // Taken before: PUBREC again, in its turn, and no second message [MQTT-4.3.3-10].
        const auto slot = connection.acks.open(packet.packet_id, Qos::exactly_once);
        connection.acks.settle(slot, ReasonCode::success);
        flush(connection);
        return true;
    }
    if (auto* pending = pending_.find(known->second.ticket);
        pending && pending->connection != connection.id) {
        // Sent again on a new connection while the store is still at work: the answer goes there.
        pending->connection = connection.id;
        pending->slot = connection.acks.open(packet.packet_id, Qos::exactly_once);
        ++connection.unacknowledged;
    }
    return true;
}

void Inbound::admit(Connection& connection,
                    const mqtt::Publish& packet,
                    std::string_view topic,
                    Now now) {
    Session& session = *connection.session;
    if (packet.qos == Qos::exactly_once &&
        session.incoming.size() >= core_.limits.max_awaiting_rel) {
        refuse(connection, packet, ReasonCode::quota_exceeded, now);
        return;
    }
    if (packet.qos == Qos::at_least_once && connection.is_v5() &&
        session.incoming.contains(packet.packet_id)) {
        refuse(connection, packet, ReasonCode::packet_identifier_in_use, now);
        return;
    }
    auto message = std::make_shared_for_overwrite<Message>();  // else it is cleared twice
    core_.stamp(*message, now);
    message->topic = TopicName{topic};
    message->payload = packet.payload;
    message->qos = packet.qos;
    message->retain = packet.retain;
    message->sender = session.client;
    message->username = session.username;
    message->peerhost = session.peerhost;
    message->properties = copy_properties(packet.properties);

    std::uint64_t ticket = 0;
    if (packet.qos != Qos::at_most_once) {
        ++connection.unacknowledged;
        Pending pending{.connection = connection.id,
                        .slot = connection.acks.open(packet.packet_id, packet.qos),
                        .packet_id = packet.packet_id,
                        .qos = packet.qos};
        if (packet.qos == Qos::exactly_once)
            pending.session = session.key;
        ticket = pending_.insert(pending);
        if (packet.qos == Qos::exactly_once)
            session.incoming[packet.packet_id].ticket = ticket;
    }
    core_.effects.emplace_back(Published{std::move(message), Ticket{ticket}, connection.id});
}

/// A PUBLISH that the client may not send but that is well-formed.
void Inbound::refuse(Connection& connection,
                     const mqtt::Publish& packet,
                     ReasonCode reason,
                     Now now) {
    if (packet.qos == Qos::at_most_once || !connection.is_v5()) {
        core_.lifecycle.protocol_error(connection, reason, now);
        return;
    }
    ++connection.unacknowledged;
    connection.acks.settle(connection.acks.open(packet.packet_id, packet.qos), reason);
    flush(connection);
}

void Inbound::settle(Ticket ticket, ReasonCode reason, Now now) {
    const auto key = static_cast<std::uint64_t>(ticket);
    const auto* found = pending_.find(key);
    if (!found)
        return;
    const Pending pending = *found;
    pending_.erase(key);
    // Whether or not the connection still lives, a lasting session knows the outcome.
    if (auto* session = core_.sessions.find(pending.session)) {
        if (is_error(reason))
            session->incoming.erase(pending.packet_id);
        else
            session->incoming[pending.packet_id].ticket = 0;
    }
    Connection* connection = core_.find(pending.connection);
    if (!connection || connection->state != Connection::State::connected)
        return;
    if (is_error(reason) && !connection->is_v5()) {
        // There is no negative acknowledgement: without one the client sends it again.
        core_.lifecycle.end(*connection, {.reason = "refused"}, now);
        return;
    }
    connection->acks.settle(pending.slot, reason);
    flush(*connection);
}

void Inbound::flush(Connection& connection) {
    while (const auto ack = connection.acks.pop_ready()) {
        const bool ends = ack->qos == Qos::at_least_once || is_error(ack->reason);
        if (ends && connection.unacknowledged > 0)
            --connection.unacknowledged;
        if (ack->qos == Qos::at_least_once)
            core_.send_ack<mqtt::Puback>(connection, ack->packet_id, ack->reason);
        else
            core_.send_ack<mqtt::Pubrec>(connection, ack->packet_id, ack->reason);
    }
}

void Inbound::on_pubrel(Connection& connection, const mqtt::Pubrel& packet) {
    auto& incoming = connection.session->incoming;
    const auto known = incoming.find(packet.packet_id);
    auto reason = ReasonCode::packet_identifier_not_found;
    if (known != incoming.end() && known->second.ticket == 0) {
        incoming.erase(known);
        reason = ReasonCode::success;
        if (connection.unacknowledged > 0)
            --connection.unacknowledged;
    }
    core_.send_ack<mqtt::Pubcomp>(connection, packet.packet_id, reason);
}

void Inbound::forget(Session& session) {
    for (const auto& [packet_id, exchange] : session.incoming) {
        if (auto* pending = pending_.find(exchange.ticket))
            pending->session = 0;
    }
}

bool Inbound::exceeds_quota(const Connection& connection, std::size_t taken) const {
    return connection.is_v5() && taken >= core_.limits.receive_maximum;
}

bool Inbound::has_room(const Connection& connection) const {
    // What is not PUBLISH goes on when the quota is used up [MQTT-4.9.0-3].
    return connection.is_v5() || connection.acks.size() < core_.limits.receive_maximum;
}

}  // namespace keepmq::broker
