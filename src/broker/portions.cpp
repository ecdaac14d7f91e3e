// Replay: the retained messages of a new subscription.

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "broker/core.hpp"

namespace keepmq::broker {

/// The client begins to read the first ones while the others are on their way, and nobody else
/// waits for a million of them. All at once: what must survive a restart, which it does together
/// with its subscription; and when much that is live waits meanwhile.
bool Replay::send_retained(Session& session, OpenFence& fence, Now now) {
    if (fence.going_on)
        return false;
    auto& left = fence.retained_left;
    if (left.empty()) {
        left = find_retained(fence, now);
        std::ranges::reverse(left);
    }
    const bool at_once = session.kept != 0 || fence.fence.held() > core_.limits.replay_buffer / 2;
    const auto portion = at_once ? left.size() : core_.limits.retained_portion;
    for (auto count = std::min(portion, left.size()); count != 0; --count) {
        const auto message = std::move(left.back());
        left.pop_back();
        // What came live meanwhile is held and replaces it.
        if (!fence.retained_live.contains(message->topic.str()))
            deliver_retained(session, fence, message, now);
    }
    if (left.empty()) {
        std::vector<MessagePtr>{}.swap(left);
        return true;
    }
    arm(fence, now);
    fence.going_on = true;
    core_.effects.emplace_back(GoOn{fence.fence.id()});
    return false;
}

void Replay::go_on(FenceId id, Now now) {
    const auto [session, fence] = find(id);
    if (fence && std::exchange(fence->going_on, false))
        advance(*session, *fence, now);
}

/// In order; one for each topic.
std::vector<MessagePtr> Replay::find_retained(OpenFence& fence, Now now) const {
    const auto found = fence.fence.take_retained();
    std::vector<MessagePtr> all;
    core_.retained.match(fence.fence.filter().view(), now.wall, [&](const MessagePtr& message) {
        all.push_back(message);
        return true;
    });
    if (found.empty())
        return all;
    std::ranges::copy_if(found, std::back_inserter(all), [&](const MessagePtr& message) {
        return fence.fence.covers(message->topic.view());
    });
    keep_newest(all);
    return all;
}

void Replay::deliver_retained(Session& session,
                              OpenFence& fence,
                              const MessagePtr& message,
                              Now now) {
    const auto found = session.subscriptions.find(fence.as_subscribed);
    if (found == session.subscriptions.end())
        return;
    const auto& subscription = *found->second;
    const auto identifier = subscription.identifier;
    const bool tracked = message->stored && subscription.qos != Qos::at_most_once;
    if (tracked)
        session.replay->under_way.insert(message->id);
    const bool taken = core_.outbound.deliver(
        session,
        {.message = message,
         .qos = std::min(message->qos, subscription.qos),
         .retain = true,  // [MQTT-3.3.1-8]
         .identifiers = {&identifier, identifier != 0 ? 1U : 0U},
         .track = tracked ? Outbound::Track::registered : Outbound::Track::none,
         .room = Outbound::Room::forced},
        now);
    if (taken) {
        fence.fence.sent_as_retained(message->id);
        forget_held(session, message->id);
    } else {
        session.replay->under_way.erase(message->id);
    }
}

}  // namespace keepmq::broker
