#include "broker/router.hpp"

#include <algorithm>

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

constexpr std::chrono::seconds retained_sweep{10};

}  // namespace

void Match::clear() {
    any = wanted = retain_as_published = false;
    qos = Qos::at_most_once;
    identifiers.clear();
}

void Match::add(const Subscription& subscription, bool own_message) {
    any = true;
    qos = std::max(qos, subscription.qos);
    if (subscription.no_local && own_message)  // [MQTT-3.8.3-3]
        return;
    wanted = true;
    retain_as_published |= subscription.retain_as_published;
    if (subscription.identifier != 0)
        identifiers.push_back(subscription.identifier);  // [MQTT-3.3.4-3, MQTT-3.3.4-4]
}

void Router::route(const MessagePtr& message, Now now, Chosen* chosen) {
    if (message->retain && (!core_.peers || core_.peers->owns(message->topic.view())))
        keep_retained(message, now);
    ++mark_;
    count_ = 0;
    groups_.clear();
    core_.tree.match(message->topic.view(),
                     [&](const Subscriber& found) { collect(found, *message, !chosen); });
    const bool none = count_ == 0 && groups_.empty();
    if (none && (!chosen || chosen->groups.empty())) {
        core_.stats.dropped_no_subscriber += !chosen || chosen->last ? 1 : 0;
        return;
    }
    const auto chosen_groups = chosen ? chosen->groups.size() : 0;
    const bool many = count_ + groups_.size() + chosen_groups > 1;
    const auto* received = core_.received.find(*message);
    if (many)
        core_.outbound.begin_fan_out();
    for (std::size_t i = 0; i < count_; ++i) {
        Session& session = *targets_[i].session;
        if (received && received->sessions.contains(session.key))
            core_.replay.passed_over(session, *message, targets_[i].match.qos);
        else
            deliver_live(session, targets_[i].match, message, now);
    }
    for (auto* group : groups_) place(*group, message, now);
    if (chosen)
        place(message, *chosen, now);
    if (many)
        core_.outbound.end_fan_out();
}

void Router::place(const MessagePtr& message, Chosen& chosen, Now now) {
    for (const auto key : chosen.groups) {
        if (auto* group = core_.groups.find(key))
            place(*group, message, now);
        else
            chosen.unplaced.push_back(key);
    }
}

void Router::place(SharedGroup& group, const MessagePtr& message, Now now) {
    const auto is_it = [&](const std::string& share) {
        const auto split = split_shared(share);
        return core_.groups.find(split.group, split.filter) == &group;
    };
    const auto* received = core_.received.find(*message);
    if (!received || std::ranges::none_of(received->shares, is_it))
        deliver_shared(group, message, now);
}

void Router::collect(const Subscriber& subscriber, const Message& message, bool groups_too) {
    if (subscriber.group) {
        if (groups_too)
            groups_.push_back(subscriber.group);
        return;
    }
    Session& session = *subscriber.session;
    if (session.route_mark != mark_) {
        session.route_mark = mark_;
        session.route_target = static_cast<std::uint32_t>(count_);
        if (count_ == targets_.size())
            targets_.emplace_back();
        targets_[count_].session = &session;
        targets_[count_].match.clear();
        ++count_;
    }
    const auto& subscription = *subscriber.subscription;
    const bool own = subscription.no_local && message.sender == session.client;
    targets_[session.route_target].match.add(subscription, own);
}

void Router::deliver_live(Session& session,
                          const Match& match,
                          const MessagePtr& message,
                          Now now) {
    if (session.replay && core_.replay.hold(session, message, &match))
        return;
    const bool tracked = message->stored && match.qos != Qos::at_most_once;
    if (!match.wanted) {
        if (tracked) {
            core_.replay.registered(session, *message);
            core_.replay.settled(session, *message);
        }
        return;
    }
    // Until its client is back and the replay of a session from before a restart begins.
    const bool held = session.restored && core_.replay.replays(session, message->topic.view());
    core_.outbound.deliver(
        session,
        {.message = message,
         .qos = std::min(message->qos, match.qos),                // [MQTT-3.8.4-8]
         .retain = message->retain && match.retain_as_published,  // [MQTT-3.3.1-12, 13]
         .identifiers = match.identifiers,
         .track = tracked && !held ? Outbound::Track::live : Outbound::Track::none,
         .held = held},
        now);
}

void Router::deliver_shared(SharedGroup& group, const MessagePtr& message, Now now) {
    const auto member =
        group.pick(core_.limits.shared_strategy, message->sender.view(), core_.random);
    if (!member.session) {
        ++core_.stats.dropped_shared_empty;
        return;
    }
    const auto& subscription = *member.subscription;
    const std::uint32_t identifier = subscription.identifier;
    core_.outbound.deliver(*member.session,
                           {.message = message,
                            .qos = std::min(message->qos, subscription.qos),  // [MQTT-4.8.2-3]
                            .retain = message->retain && subscription.retain_as_published,
                            .identifiers = {&identifier, identifier != 0 ? 1U : 0U},
                            .group = subscription.group},
                           now);
}

void Router::match(const Session& session, const Message& message, Match& out) const {
    out.clear();
    const bool own = message.sender == session.client;
    for (const auto& [name, subscription] : session.subscriptions) {
        if (!subscription->shared() &&
            filter_matches(subscription->filter.view(), message.topic.view()))
            out.add(*subscription, own);
    }
}

/// The broker's own topics say how it is now.
bool Router::survives(const TopicName& topic) const {
    return core_.journal.on() && !topic.view().starts_with("$SYS/");
}

void Router::forget_retained(const TopicName& topic) {
    if (survives(topic))
        core_.journal.add(RetainedGone{topic});
}

void Router::restore(const MessagePtr& message, Now now) {
    core_.retained.keep(message, 0);
    if (message->expires_at())
        core_.timers.arm(
            core_.retained_alarm, now.steady + retained_sweep, Timers::Kind::retained, 0);
}

bool Router::has_room(const TopicName& topic) const {
    const auto limit = core_.limits.max_retained;
    const auto others = core_.peers ? core_.peers->others().retained : 0;
    return limit == 0 || core_.retained.size() + others < limit ||
           core_.retained.find(topic.view()) != nullptr;
}

void Router::keep_retained(const MessagePtr& message, Now now) {
    if (message->payload.empty()) {
        // A message that waited for its commit must not delete what came after it.
        const auto kept = core_.retained.find(message->topic.view());
        if (kept && kept->id < message->id) {
            core_.retained.erase(message->topic.view());  // [MQTT-3.3.1-6, MQTT-3.3.1-7]
            forget_retained(message->topic);
        }
        return;
    }
    if (!has_room(message->topic))
        return;
    core_.retained.keep(message, 0);  // [MQTT-3.3.1-5]
    if (survives(message->topic) && core_.retained.find(message->topic.view()) == message)
        core_.journal.add(RetainedKept{message});
    if (message->expires_at())
        core_.timers.arm(
            core_.retained_alarm, now.steady + retained_sweep, Timers::Kind::retained, 0);
}

}  // namespace keepmq::broker
