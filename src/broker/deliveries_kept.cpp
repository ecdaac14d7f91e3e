// Outbound: what of the deliveries survives a restart.

#include <algorithm>
#include <utility>

#include "broker/core.hpp"

namespace keepmq::broker {
namespace {

/// The name of the shared subscription, as long as the session has it.
std::string share_of(const Session& session, std::uint64_t group) {
    if (group != 0)
        for (const auto& [name, subscription] : session.subscriptions)
            if (subscription->group == group)
                return std::string{name};
    return {};
}

}  // namespace

void Outbound::keep(const Session& session, Delivery& delivery) {
    if (session.kept == 0 || delivery.qos == Qos::at_most_once)
        return;
    delivery.number = core_.journal.next_delivery();
    core_.journal.add(DeliveryKept{.session = session.kept,
                                   .number = delivery.number,
                                   .message = delivery.message,
                                   .identifiers = delivery.identifiers,
                                   .share = share_of(session, delivery.group),
                                   .qos = delivery.qos,
                                   .retain = delivery.retain,
                                   .tracked = delivery.tracked,
                                   .leased = delivery.leased,
                                   .held = delivery.held});
}

void Outbound::forget(Delivery& delivery) {
    if (const auto number = std::exchange(delivery.number, 0); number != 0)
        core_.journal.add(DeliveryGone{number});
}

void Outbound::forget_all(Session& session) {
    if (session.kept == 0)
        return;
    for (Sent* sent : session.inflight.in_order()) forget(sent->delivery);
    for (std::size_t i = 0; i < session.queue.size(); ++i) forget(session.queue[i]);
    core_.replay.forget_held(session);
}

/// After a crash the same Packet Identifier must stand for the same message, and a message that
/// was released may not come a second time.
void Outbound::hold(Connection& connection, const Delivery& delivery) {
    if (delivery.number != 0 && delivery.qos == Qos::exactly_once)
        core_.hold(connection);
}

void Outbound::restore(Session& session,
                       Delivery delivery,
                       mqtt::PacketId packet_id,
                       bool released) {
    if (delivery.leased)
        core_.leases->take(delivery.message->id);
    if (delivery.tracked)
        core_.replay.restored(session, *delivery.message, delivery.leased);
    if (packet_id != 0) {
        session.inflight.restore(std::move(delivery), packet_id, released);
        ++core_.stats.inflight;
        return;
    }
    put_back(session, std::move(delivery));
}

void Outbound::put_back(Session& session, Delivery delivery) {
    session.queue.push_back(std::move(delivery));
    ++core_.stats.queued;
}

std::vector<Delivery> Outbound::take_held(Session& session,
                                          const std::function<bool(const Message&)>& wanted) {
    std::vector<Delivery> held;
    for (auto left = session.queue.size(); left > 0; --left) {
        auto delivery = pop(session);
        if (!delivery.held || !wanted(*delivery.message)) {
            put_back(session, std::move(delivery));
            continue;
        }
        if (delivery.leased)
            core_.leases->give_back(delivery.message->id);
        held.push_back(std::move(delivery));
    }
    return held;
}

}  // namespace keepmq::broker
