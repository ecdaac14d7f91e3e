// Replay: live messages that fences hold survive a restart with their session. Until the client is
// back they wait in its queue, marked, and then behind the fences that open anew.

#include <algorithm>

#include "broker/core.hpp"

namespace keepmq::broker {

bool Replay::is_held(const Session& session, MessageId id) {
    return session.replay && std::ranges::any_of(session.replay->fences, [&](const auto& one) {
               return one->fence.is_holding(id);
           });
}

void Replay::keep_held(Session& session, const MessagePtr& message, const Match& match) {
    const auto qos = std::min(message->qos, match.qos);
    auto& held = session.replay->held;
    if (session.kept == 0 || !match.wanted || qos == Qos::at_most_once ||
        held.contains(message->id) || !is_held(session, message->id))
        return;
    const auto number = core_.journal.next_delivery();
    held.emplace(message->id, number);
    core_.journal.add(DeliveryKept{.session = session.kept,
                                   .number = number,
                                   .message = message,
                                   .identifiers = match.identifiers,
                                   .share = {},
                                   .qos = qos,
                                   .retain = message->retain && match.retain_as_published,
                                   .held = true});
}

/// It is over, or with the client's deliveries.
void Replay::forget_held(Session& session, MessageId id) {
    if (!session.replay)
        return;
    auto& held = session.replay->held;
    if (const auto found = held.find(id); found != held.end()) {
        core_.journal.add(DeliveryGone{found->second});
        held.erase(found);
    }
}

void Replay::forget_held(Session& session) {
    if (!session.replay)
        return;
    for (const auto& [id, number] : session.replay->held) core_.journal.add(DeliveryGone{number});
    session.replay->held.clear();
}

void Replay::hold_again(Session& session) {
    if (!session.replay)
        return;
    for (auto& delivery : core_.outbound.take_held(session)) {
        const auto id = delivery.message->id;
        session.replay->held.emplace(id, delivery.number);
        if (!hold(session, delivery.message, nullptr)) {
            session.replay->held.erase(id);
            core_.outbound.put_back(session, std::move(delivery));
        } else if (!is_held(session, id)) {
            forget_held(session, id);
        }
    }
}

}  // namespace keepmq::broker
