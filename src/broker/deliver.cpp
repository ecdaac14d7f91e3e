// Outbound, first half: what is sent at once, what waits, what is dropped.

#include <utility>

#include "broker/core.hpp"

namespace keepmq::broker {
namespace {

Delivery make_delivery(const Outbound::Order& order) {
    Delivery delivery;
    delivery.message = order.message;
    delivery.identifiers.assign(order.identifiers.begin(), order.identifiers.end());
    delivery.group = order.group;
    delivery.qos = order.qos;
    delivery.retain = order.retain;
    delivery.tracked = order.track != Outbound::Track::none;
    delivery.held = order.held;
    delivery.forced = order.room == Outbound::Room::forced;
    return delivery;
}

/// Messages of a long queue are in no cache by the time they are sent: those of the next ones are
/// asked for meanwhile, and then the texts that they lead to.
void prefetch(DeliveryQueue& queue) {
    constexpr std::size_t message_ahead = 8;
    constexpr std::size_t texts_ahead = 4;
    if (queue.size() <= message_ahead)
        return;
    const auto* message = queue[message_ahead].message.get();
    __builtin_prefetch(message);
    __builtin_prefetch(&message->payload);
    __builtin_prefetch(&message->properties);
    __builtin_prefetch(queue[texts_ahead].message->topic.view().data());
    __builtin_prefetch(queue[texts_ahead].message->payload.data());
}

}  // namespace

std::size_t Outbound::window(const Session& session) const {
    return std::min(session.connection->receive_maximum, core_.limits.max_inflight);
}

bool Outbound::can_send(const Session& session) const {
    return session.outstanding < window(session) && !session.inflight.full();  // [MQTT-3.3.4-9]
}

bool Outbound::has_room(const Connection& connection) const {
    return connection.outbox.size() <= core_.limits.max_outbox;
}

bool Outbound::deliver(Session& session, const Order& order, Now now) {
    if (order.qos == Qos::at_most_once)
        return deliver_at_most_once(session, order, now);
    if (is_expired(*order.message, now)) {
        ++core_.stats.dropped_expired;  // [MQTT-3.3.2-5]
        account(session, order);
        if (order.track != Track::none)
            core_.replay.settled(session, *order.message);
        return false;
    }
    Connection* connection = session.connection;
    if (!connection || !session.queue.empty() || !session.resend.empty() || !can_send(session) ||
        !has_room(*connection))
        return enqueue(session, order);
    account(session, order);
    auto delivery = make_delivery(order);
    if (delivery.tracked && core_.replay.leasing()) {
        core_.leases->take(order.message->id);
        delivery.leased = true;
    }
    keep(session, delivery);
    transmit(session, *connection, std::move(delivery), now);
    return true;
}

/// The message takes its place in the read position. True if an earlier one is missing there.
bool Outbound::account(Session& session, const Order& order) {
    return order.track == Track::live && core_.replay.registered(session, *order.message);
}

bool Outbound::deliver_at_most_once(Session& session, const Order& order, Now now) {
    account(session, order);
    Connection* connection = session.connection;
    bool taken = false;
    // Behind the queue also while connected: it may hold QoS 0 of the same topic [MQTT-4.6.0-5].
    const bool kept_for_absent =
        core_.limits.queue_qos0 && session.lasting() && (!connection || !session.queue.empty());
    // Retained messages come as fast as the client reads, and what is newer comes behind them.
    const bool waits_for_room =
        connection &&
        (session.queue.qos0() != 0 || (order.room == Room::forced && !has_room(*connection)));
    if (is_expired(*order.message, now)) {
        ++core_.stats.dropped_expired;
    } else if (kept_for_absent || waits_for_room) {
        Order untracked{order.message, order.qos, order.retain, order.identifiers};
        untracked.room = order.room;
        taken = enqueue(session, untracked);
    } else if (!connection) {
        ++core_.stats.dropped_qos0_absent;
    } else if (!has_room(*connection)) {
        ++core_.stats.dropped_slow_reader;
        ++session.dropped;
    } else if (write(*connection,
                     *order.message,
                     {order.qos, order.retain, false, 0},
                     order.identifiers,
                     now)) {
        taken = true;
        delivered(session, order.message, order.qos, now);
    }
    if (order.track != Track::none)
        core_.replay.settled(session, *order.message);
    return taken;
}

bool Outbound::enqueue(Session& session, const Order& order) {
    const auto bytes = weight(*order.message);
    if (order.room == Room::bounded &&
        (session.queue.size() - session.queue.forced() >= core_.limits.max_queue_length ||
         session.queue.bytes() + bytes > core_.limits.max_queue_bytes)) {
        ++core_.stats.dropped_queue_full;
        ++session.dropped;
        if (order.track == Track::live)
            core_.replay.lost(session, *order.message);
        return false;
    }
    const bool behind_hole = account(session, order);
    auto delivery = make_delivery(order);
    delivery.held |= behind_hole;
    if (delivery.tracked && core_.replay.leasing()) {
        core_.leases->take(order.message->id);
        delivery.leased = true;
    }
    keep(session, delivery);
    put_back(session, std::move(delivery));
    return true;
}

Delivery Outbound::pop(Session& session) {
    --core_.stats.queued;
    return session.queue.pop_front();
}

void Outbound::send_waiting(Session& session, Now now) {
    Connection* connection = session.connection;
    if (!connection)
        return;
    while (has_room(*connection)) {
        if (!session.resend.empty()) {
            if (session.outstanding >= window(session))
                break;
            resend_next(session, *connection, now);
            continue;
        }
        if (session.queue.empty())
            break;
        const bool waits_for_ack = session.queue.front().qos != Qos::at_most_once;
        if (waits_for_ack && !can_send(session))
            break;
        prefetch(session.queue);
        auto delivery = pop(session);
        if (is_expired(*delivery.message, now)) {
            ++core_.stats.dropped_expired;
            drop_settled(session, delivery);
            forget(delivery);
        } else if (waits_for_ack) {
            transmit(session, *connection, std::move(delivery), now);
        } else {
            transmit_qos0(session, *connection, delivery, now);
        }
    }
    core_.replay.room(session, now);
}

void Outbound::transmit_qos0(Session& session,
                             Connection& connection,
                             const Delivery& delivery,
                             Now now) {
    const Form form{Qos::at_most_once, delivery.retain, false, 0};
    if (write(connection, *delivery.message, form, delivery.identifiers, now))
        delivered(session, delivery.message, Qos::at_most_once, now);
}

void Outbound::transmit(Session& session, Connection& connection, Delivery&& delivery, Now now) {
    Sent& sent = session.inflight.insert(std::move(delivery));
    const auto& d = sent.delivery;
    if (d.number != 0)
        core_.journal.add(DeliverySent{d.number, sent.packet_id});
    hold(connection, d);
    if (!write(
            connection, *d.message, {d.qos, d.retain, false, sent.packet_id}, d.identifiers, now)) {
        auto dropped = std::move(sent.delivery);
        session.inflight.erase(sent);
        drop_settled(session, dropped);
        forget(dropped);
        return;
    }
    ++session.outstanding;
    ++core_.stats.inflight;
    delivered(session, d.message, d.qos, now);
}

/// Deliberately not delivered: counts as settled for the read position.
void Outbound::drop_settled(Session& session, Delivery& delivery) {
    if (std::exchange(delivery.leased, false))
        core_.leases->give_back(delivery.message->id);
    if (delivery.tracked)
        core_.replay.settled(session, *delivery.message);
}

void Outbound::delivered(Session& session, const MessagePtr& message, Qos qos, Now now) {
    ++session.messages_sent;
    ++core_.stats.messages_sent;
    core_.raise(Hook::message_delivered, [&] {
        return MessageDelivered{session.who(), now.wall, message, qos};
    });
}

void Outbound::suspend(Session& session) {
    session.outstanding = 0;
    session.resend.clear();
    for (Sent* sent : session.inflight.in_order()) sent->counted = sent->acknowledged = false;
    if (session.queue.qos0() == 0 || core_.limits.queue_qos0)
        return;
    for (auto left = session.queue.size(); left > 0; --left) {
        auto delivery = pop(session);
        if (delivery.qos == Qos::at_most_once)
            ++core_.stats.dropped_qos0_absent;
        else
            put_back(session, std::move(delivery));
    }
}

void Outbound::resume(Session& session, Now now) {
    for (const Sent* sent : session.inflight.in_order()) session.resend.push_back(sent->packet_id);
    pump(session, now);
}

void Outbound::resend_next(Session& session, Connection& connection, Now now) {
    Sent* sent = session.inflight.find(session.resend.pop_front());
    if (!sent)
        return;
    hold(connection, sent->delivery);
    if (sent->released) {
        core_.send_ack<mqtt::Pubrel>(connection, sent->packet_id);
        return;
    }
    const auto& d = sent->delivery;
    // Same identifier, DUP set [MQTT-4.4.0-1, MQTT-3.3.1-1].
    if (write(
            connection, *d.message, {d.qos, d.retain, true, sent->packet_id}, d.identifiers, now)) {
        sent->counted = true;
        ++session.outstanding;
        delivered(session, d.message, d.qos, now);
        return;
    }
    drop_settled(session, sent->delivery);
    forget(sent->delivery);
    session.inflight.erase(*sent);
    --core_.stats.inflight;
}

void Outbound::discard(Session& session, Now now) {
    struct Orphan {
        MessagePtr message;
        std::uint64_t group;
        std::uint64_t number;  ///< stays in the journal until the message has its new place
    };
    std::vector<Orphan> orphans;
    const auto give_up = [&](Delivery& delivery, bool seen) {
        if (delivery.leased)
            core_.leases->give_back(delivery.message->id);
        // A QoS 2 message that the client may have seen goes to nobody else [MQTT-4.8.2-5].
        if (delivery.group != 0 && delivery.message && !(seen && delivery.qos == Qos::exactly_once))
            orphans.push_back({delivery.message,
                               delivery.group,
                               core_.peers && !core_.groups.find(delivery.group)
                                   ? std::exchange(delivery.number, 0)
                                   : 0});
    };
    for (Sent* sent : session.inflight.in_order()) give_up(sent->delivery, true);
    for (std::size_t i = 0; i < session.queue.size(); ++i) give_up(session.queue[i], false);
    forget_all(session);
    core_.stats.inflight -= session.inflight.size();
    core_.stats.queued -= session.queue.size();
    session.queue.clear();
    session.inflight = Inflight{};
    for (const auto& [message, key, number] : orphans) {
        if (auto* group = core_.groups.find(key))
            core_.router.deliver_shared(*group, message, now);
        else if (core_.peers)
            core_.effects.emplace_back(Unplaced{message, key, number});
        else
            ++core_.stats.dropped_shared_empty;
    }
}

}  // namespace keepmq::broker
