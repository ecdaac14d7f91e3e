// Replay: read positions of one session, one for each topic on which something stored is open.

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

TrackedTopic& Replay::topic(Session& session, std::string_view name) {
    if (!session.replay)
        session.replay = std::make_unique<ReplayState>();
    auto& state = *session.replay;
    const auto found = state.topics.find(name);
    if (found != state.topics.end())
        return found->second;
    TrackedTopic& made = state.topics[std::string{name}];
    for (const auto& [as_subscribed, filter] : state.truncated) {
        if (filter_matches(filter.view(), name) && owns(session, as_subscribed, name))
            made.tracker.add_hole();
    }
    for (const auto& fence : state.fences) {
        if (fence->frozen && fence->fence.covers(name) &&
            owns(session, fence->as_subscribed, name)) {
            made.tracker.begin_refetch();
            made.refetched_by = fence->fence.id();
            break;
        }
    }
    return made;
}

bool Replay::registered(Session& session, const Message& message) {
    auto& tracker = topic(session, message.topic.view()).tracker;
    tracker.add(message.id);
    return tracker.has_hole();
}

void Replay::passed_over(Session& session, const Message& message, Qos granted) {
    // What a fence holds has its place before the message, and gets it later.
    if (!message.stored || granted == Qos::at_most_once || session.restored ||
        (session.replay && (!session.replay->fences.empty() || is_over(*session.replay, message))))
        return;
    registered(session, message);
    settled(session, message);
}

void Replay::lost(Session& session, const Message& message) {
    auto& tracked = topic(session, message.topic.view());
    tracked.tracker.add_hole();
    session.replay->under_way.erase(message.id);
    for (const auto& fence : session.replay->fences) fence->fence.dropped_live(message.id);
}

void Replay::restored(Session& session, const Message& message, bool leased) {
    if (leased)
        core_.leases->begin();
    registered(session, message);
}

bool Replay::leasing() const {
    return core_.leases->on();
}

void Replay::await_reopening(Session& session, const Subscription& subscription) {
    if (!session.replay)
        session.replay = std::make_unique<ReplayState>();
    session.replay->truncated.emplace_back(subscription.as_subscribed, subscription.filter);
}

const Subscription* Replay::owner(const Session& session, std::string_view topic) {
    const auto own = session.subscriptions.find(topic);
    if (own != session.subscriptions.end() && own->second->replays)
        return own->second.get();
    const Subscription* oldest = nullptr;
    for (const auto& [name, subscription] : session.subscriptions) {
        if (subscription->replays && (!oldest || subscription->number < oldest->number) &&
            filter_matches(subscription->filter.view(), topic))
            oldest = subscription.get();
    }
    return oldest;
}

bool Replay::owns(const Session& session, std::string_view as_subscribed, std::string_view topic) {
    const auto* found = owner(session, topic);
    return found && found->as_subscribed == as_subscribed;
}

std::unordered_set<std::string_view> Replay::with_holes(const Session& session) {
    std::unordered_set<std::string_view> names;
    if (!session.replay)
        return names;
    for (const auto& [name, filter] : session.replay->truncated) names.insert(name);
    for (const auto& [name, tracked] : session.replay->topics) {
        const auto* found = tracked.tracker.has_hole() ? owner(session, name) : nullptr;
        if (found)
            names.insert(found->as_subscribed);
    }
    return names;
}

bool Replay::is_over(const ReplayState& state, const Message& message) {
    if (!message.stored)
        return false;
    const auto tracked = state.topics.find(message.topic.view());
    return state.settled.contains(message.id) ||
           (tracked != state.topics.end() && tracked->second.tracker.knows(message.id));
}

void Replay::settled(Session& session, const Message& message) {
    if (!session.replay)
        return;
    auto& state = *session.replay;
    if (!state.fences.empty())
        state.settled.insert(message.id);
    state.under_way.erase(message.id);
    const auto found = state.topics.find(message.topic.view());
    if (found == state.topics.end()) {
        tidy(session);
        return;
    }
    auto& tracker = found->second.tracker;
    moved(session, message.topic.view(), tracker.settle(message.id));
    if (tracker.idle()) {
        state.topics.erase(found);
        tidy(session);
    }
}

void Replay::moved(const Session& session, std::string_view topic, std::optional<MessageId> to) {
    if (to)
        core_.effects.emplace_back(PositionMoved{session.client, TopicName{topic}, *to});
}

void Replay::freeze(Session& session, OpenFence& fence) {
    fence.frozen = true;
    for (auto& [name, tracked] : session.replay->topics) {
        if (fence.fence.covers(name) && owns(session, fence.as_subscribed, name)) {
            tracked.tracker.begin_refetch();
            tracked.refetched_by = fence.fence.id();
        }
    }
}

void Replay::thaw(Session& session, FenceId id, bool complete) {
    auto& state = *session.replay;
    for (auto one = state.topics.begin(); one != state.topics.end();) {
        auto& [name, tracked] = *one;
        if (tracked.refetched_by == id) {
            tracked.refetched_by = FenceId{};
            moved(session, name, tracked.tracker.end_refetch(complete));
        }
        one = tracked.tracker.idle() ? state.topics.erase(one) : std::next(one);
    }
}

void Replay::left_to_nobody(Session& session, const OpenFence& fence) {
    if (!fence.fence.gave_up())
        return;
    auto& state = *session.replay;
    for (auto& [name, tracked] : state.topics) {
        if (fence.fence.covers(name))
            tracked.tracker.add_hole();
    }
    for (const auto& [name, subscription] : session.subscriptions) {
        if (subscription->replays && name != fence.as_subscribed &&
            filters_overlap(subscription->filter.view(), fence.fence.filter().view()))
            state.truncated.emplace_back(name, subscription->filter);
    }
}

/// An acknowledgement that comes after UNSUBSCRIBE must not bring back a position that a rule
/// deleted.
void Replay::forget_unsubscribed(Session& session) {
    const auto subscribed = [&](std::string_view name) {
        for (const auto& [as_subscribed, subscription] : session.subscriptions) {
            if (!subscription->shared() && filter_matches(subscription->filter.view(), name))
                return true;
        }
        return false;
    };
    auto& state = *session.replay;
    std::erase_if(state.topics, [&](const auto& one) {
        if (subscribed(one.first))
            return false;
        const auto open = one.second.tracker.open();
        state.under_way.insert(open.begin(), open.end());
        return true;
    });
}

void Replay::tidy(Session& session) {
    if (session.replay && session.replay->fences.empty())
        forget_held(session);
    if (session.replay && session.replay->empty())
        session.replay.reset();
}

}  // namespace keepmq::broker
