// Replay: live messages that fences hold survive a restart with their session. Until the client is
// back they wait in its queue, marked, as do those that came after one that was dropped, and then
// behind the fences that open anew.

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
    auto& state = *session.replay;
    const auto goes_behind = [&](const Message& message) {
        const auto covers = [&](const auto& one) {
            return one->holds() && one->fence.covers(message.topic.view());
        };
        const auto found = std::ranges::find_if(state.fences, covers);
        return found != state.fences.end() && (*found)->fence.holds_nothing();
    };
    for (const auto& delivery : core_.outbound.take_held(session, goes_behind)) {
        const auto id = delivery.message->id;
        if (const auto tracked = state.topics.find(delivery.message->topic.view());
            tracked != state.topics.end())
            tracked->second.tracker.forget(id);
        if (delivery.number != 0)
            state.held.emplace(id, delivery.number);
        (void)hold(session, delivery.message, nullptr);  // it does, as was asked before
        if (!is_held(session, id))
            forget_held(session, id);
    }
}

}  // namespace keepmq::broker
