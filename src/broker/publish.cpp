// Inbound: PUBLISH and PUBREL of clients.

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

using mqtt::ReasonCode;

std::unique_ptr<const MessageProperties> copy_properties(const mqtt::PublishProperties& from) {
    if (!from.any())
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
    auto& aliases = connection.used_aliases().in;
    if (!packet.topic.empty()) {
        aliases[alias] = packet.topic;
        return packet.topic;
    }
    const auto known = aliases.find(alias);
    if (known == aliases.end()) {
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
    const auto* known = connection.session->incoming.find(packet.packet_id);
    if (!known || known->was_interrupted())
        return false;  // the rules see it once more, with the identity it had
    if (known->ticket == 0) {
        // Taken before: PUBREC again, in its turn, and no second message [MQTT-4.3.3-10].
        const auto slot = connection.acks.open(packet.packet_id, Qos::exactly_once);
        answer(connection, slot, ReasonCode::success, core_.journal.made());
        return true;
    }
    if (auto* pending = pending_.find(known->ticket);
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
    const auto* known =
        packet.qos == Qos::at_most_once ? nullptr : session.incoming.find(packet.packet_id);
    const bool again = packet.qos == Qos::exactly_once && known;
    if (packet.qos == Qos::exactly_once && !again &&
        session.incoming.size() >= core_.limits.max_awaiting_rel) {
        refuse(connection, packet, ReasonCode::quota_exceeded, now);
        return;
    }
    if (packet.qos == Qos::at_least_once && connection.is_v5() && known) {
        refuse(connection, packet, ReasonCode::packet_identifier_in_use, now);
        return;
    }
    auto message = std::make_shared_for_overwrite<Message>();  // else it is cleared twice
    core_.stamp(*message, now);
    if (again) {
        message->id = known->id;
        message->at = message->id.time();
    }
    message->topic = TopicName{topic};
    message->payload = packet.payload;
    message->qos = packet.qos;
    message->retain = packet.retain;
    message->sender = session.client;
    message->username = session.user();
    message->peerhost = session.peerhost;
    message->properties = copy_properties(packet.properties);

    if (!core_.peers && !core_.listens(Hook::message_publish)) {
        pass_on(connection, packet, std::move(message), now);
        return;
    }
    Published published{std::move(message), Ticket{}, connection.id};
    published.elsewhere = core_.peers && core_.peers->is_elsewhere(*published.message);
    if (packet.qos != Qos::at_most_once) {
        ++connection.unacknowledged;
        Pending pending{.connection = connection.id,
                        .slot = connection.acks.open(packet.packet_id, packet.qos),
                        .packet_id = packet.packet_id,
                        .qos = packet.qos};
        if (packet.qos == Qos::exactly_once) {
            pending.session = session.key;
            auto& exchange = session.incoming[packet.packet_id];
            published.again = again && exchange.stage == Stage::routed;
            published.repeated = again;
            published.repeatable = session.kept != 0 && !published.again;
            exchange.id = published.message->id;
            if (session.kept != 0 && !again && published.elsewhere) {
                published.session = session.kept;
                published.packet_id = packet.packet_id;
            } else if (session.kept != 0) {
                if (!again)
                    keep(session, packet.packet_id, exchange);
                // Its identity may be one of the changes that could not be made durable before.
                published.after = pending.after = core_.journal.made();
            }
        }
        published.ticket = Ticket{pending_.insert(pending)};
        if (packet.qos == Qos::exactly_once)
            session.incoming[packet.packet_id].ticket =
                static_cast<std::uint64_t>(published.ticket);
    }
    core_.effects.emplace_back(std::move(published));
}

/// No rule is asked: with its subscribers, the message is done.
void Inbound::pass_on(Connection& connection,
                      const mqtt::Publish& packet,
                      const MessagePtr& message,
                      Now now) {
    const auto before = core_.journal.made();
    if (packet.qos == Qos::exactly_once) {
        Session& session = *connection.session;
        auto& exchange = session.incoming[packet.packet_id];
        if (exchange.stage == Stage::taken)  // else it was routed before a restart
            core_.router.route(message, now);
        exchange = {.ticket = 0, .id = message->id, .stage = Stage::settled};
        keep(session, packet.packet_id, exchange);
    } else {
        core_.router.route(message, now);
        if (packet.qos == Qos::at_most_once)
            return;
    }
    if (packet.qos == Qos::exactly_once)
        ++connection.unacknowledged;  // until PUBREL
    const auto made = core_.journal.made();
    if (made == before && connection.acks.size() == 0) {
        send_ack(connection, packet.packet_id, packet.qos, ReasonCode::success);
        return;
    }
    if (packet.qos == Qos::at_least_once)
        ++connection.unacknowledged;
    answer(connection,
           connection.acks.open(packet.packet_id, packet.qos),
           ReasonCode::success,
           made == before ? 0 : made);
}

void Inbound::identified(Ticket ticket, MessageId id) {
    const auto* pending = pending_.find(static_cast<std::uint64_t>(ticket));
    if (auto* session = pending ? core_.sessions.find(pending->session) : nullptr)
        session->incoming[pending->packet_id].id = id;
}

void Inbound::routed(Ticket ticket, bool changed) {
    auto* pending = pending_.find(static_cast<std::uint64_t>(ticket));
    if (!pending)
        return;
    if (changed)
        pending->after = core_.journal.made();
    auto* session = core_.sessions.find(pending->session);
    if (!session || session->kept == 0)
        return;
    auto& exchange = session->incoming[pending->packet_id];
    exchange.stage = Stage::routed;
    keep(*session, pending->packet_id, exchange);
    pending->after = core_.journal.made();
}

void Inbound::keep(const Session& session, mqtt::PacketId packet_id, const Incoming& exchange) {
    if (exchange.stage != Stage::taken)
        core_.received.end(exchange.id);
    if (session.kept != 0)
        core_.journal.add(IncomingKept{session.kept, packet_id, exchange.stage, exchange.id});
}

void Inbound::forget(Session& session, mqtt::PacketId packet_id) {
    if (const auto* exchange = session.incoming.find(packet_id))
        core_.received.end(exchange->id);
    if (session.incoming.erase(packet_id) && session.kept != 0)
        core_.journal.add(IncomingGone{session.kept, packet_id});
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
    Connection* connection = core_.find(pending.connection);
    const bool connected = connection && connection->state == Connection::State::connected;
    const bool hears = connected && connection->is_v5();
    // Whether or not the connection still lives, a lasting session knows the outcome.
    if (auto* session = core_.sessions.find(pending.session)) {
        auto& exchange = session->incoming[pending.packet_id];
        exchange.ticket = 0;
        if (!is_error(reason)) {
            exchange.stage = Stage::settled;
            keep(*session, pending.packet_id, exchange);
        } else if (hears) {
            forget(*session, pending.packet_id);
        }
        // Else it sends the message again, which some readers may have.
    }
    if (!connected)
        return;
    if (is_error(reason) && !connection->is_v5()) {
        // There is no negative acknowledgement: without one the client sends it again.
        core_.lifecycle.end(*connection, {.reason = "refused"}, now);
        return;
    }
    answer(*connection, pending.slot, reason, is_error(reason) ? 0 : pending.after);
}

void Inbound::answer(Connection& connection,
                     std::uint64_t slot,
                     ReasonCode reason,
                     std::uint64_t after) {
    connection.acks.settle(slot, reason, after);
    if (after > core_.journal.committed())
        core_.await_commit(connection);
    flush(connection);
}

void Inbound::refuse_waiting(Connection& connection, Now now) {
    const auto committed = core_.journal.committed();
    if (!connection.acks.awaits(committed))
        return;
    bool any = false;
    connection.acks.refuse_waiting(
        committed, ReasonCode::quota_exceeded, [&](const AckSlots::Ack& ack) {
            any = true;
            if (ack.qos == Qos::exactly_once && connection.is_v5())
                forget(*connection.session, ack.packet_id);
        });
    if (any && !connection.is_v5())
        core_.lifecycle.end(connection, {.reason = "refused"}, now);
    else
        flush(connection);
}

void Inbound::flush(Connection& connection) {
    while (const auto ack = connection.acks.pop_ready(core_.journal.committed())) {
        const bool ends = ack->qos == Qos::at_least_once || is_error(ack->reason);
        if (ends && connection.unacknowledged > 0)
            --connection.unacknowledged;
        send_ack(connection, ack->packet_id, ack->qos, ack->reason);
    }
}

void Inbound::send_ack(Connection& connection,
                       mqtt::PacketId packet_id,
                       Qos qos,
                       ReasonCode reason) {
    if (qos == Qos::at_least_once)
        core_.send_ack<mqtt::Puback>(connection, packet_id, reason);
    else
        core_.send_ack<mqtt::Pubrec>(connection, packet_id, reason);
}

void Inbound::on_pubrel(Connection& connection, const mqtt::Pubrel& packet) {
    const auto* known = connection.session->incoming.find(packet.packet_id);
    auto reason = ReasonCode::packet_identifier_not_found;
    if (known && known->ticket == 0) {
        forget(*connection.session, packet.packet_id);
        reason = ReasonCode::success;
        if (connection.unacknowledged > 0)
            --connection.unacknowledged;
    }
    // Else the client could use the identifier for a new message, and a crash make us take that
    // for the old one.
    if (connection.session->kept != 0)
        core_.hold(connection);
    core_.send_ack<mqtt::Pubcomp>(connection, packet.packet_id, reason);
}

void Inbound::forget(Session& session) {
    core_.received.end_session(session.key);
    session.incoming.each([this](mqtt::PacketId, const Incoming& exchange) {
        core_.received.end(exchange.id);
        if (auto* pending = pending_.find(exchange.ticket))
            pending->session = 0;
    });
}

bool Inbound::exceeds_quota(const Connection& connection, std::size_t taken) const {
    return connection.is_v5() && taken >= core_.limits.receive_maximum;
}

bool Inbound::has_room(const Connection& connection) const {
    // What is not PUBLISH goes on when the quota is used up [MQTT-4.9.0-3].
    return connection.is_v5() || connection.acks.size() < core_.limits.receive_maximum;
}

}  // namespace keepmq::broker
