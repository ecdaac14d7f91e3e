// Subscriptions: SUBSCRIBE, UNSUBSCRIBE, and the same without a packet.

#include <algorithm>

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

using mqtt::ReasonCode;

namespace {

ReasonCode granted(Qos qos) {
    return static_cast<ReasonCode>(static_cast<std::uint8_t>(qos));
}

SessionUnsubscribed unsubscribed(const Session& session,
                                 const Subscription& subscription,
                                 Now now) {
    return {session.who(), now.wall, subscription.filter, subscription.shared()};
}

}  // namespace

void Subscriptions::on_subscribe(Connection& connection, const mqtt::Subscribe& packet, Now now) {
    Session& session = *connection.session;
    for (const auto& entry : packet.entries) {
        if (entry.no_local && !split_shared(entry.filter).group.empty()) {
            core_.lifecycle.protocol_error(
                connection, ReasonCode::protocol_error, now);  // [MQTT-3.8.3-4]
            return;
        }
    }
    const auto suback = std::make_shared<PendingSuback>();
    suback->connection = connection.id;
    suback->packet_id = packet.packet_id;
    suback->reasons.reserve(packet.entries.size());
    for (const auto& entry : packet.entries) {  // one code for each, in order [MQTT-3.8.4-6]
        const auto index = suback->reasons.size();
        const auto refusal = check(session, entry);
        if (refusal != ReasonCode::success) {
            suback->reasons.push_back(refusal);
            continue;
        }
        const Qos qos = std::min(entry.qos, core_.limits.max_qos);  // [MQTT-3.2.2-10]
        suback->reasons.push_back(granted(qos));
        const bool is_new = put(session, entry, qos, packet.subscription_identifier.value_or(0));
        const auto& subscription = *session.subscriptions.find(entry.filter)->second;
        const auto opening = is_new ? Replay::Opening::first : Replay::Opening::repeated;
        core_.replay.open(session, subscription, opening, suback, index, now);
    }
    core_.replay.all_opened(*suback, now);
}

ReasonCode Subscriptions::check(const Session& session, const mqtt::SubscribeEntry& entry) const {
    const auto& limits = core_.limits;
    const auto split = split_shared(entry.filter);
    if (!split.valid || !is_topic_filter(split.filter))
        return ReasonCode::topic_filter_invalid;
    if (limits.max_topic_levels != 0 && topic_levels(split.filter) > limits.max_topic_levels)
        return ReasonCode::topic_filter_invalid;
    if (!split.group.empty() && !limits.shared_subscription)
        return ReasonCode::shared_subscriptions_not_supported;
    if (!limits.wildcard_subscription && has_wildcard(split.filter))
        return ReasonCode::wildcard_subscriptions_not_supported;
    if (limits.max_subscriptions != 0 && session.subscriptions.size() >= limits.max_subscriptions &&
        session.subscriptions.find(entry.filter) == session.subscriptions.end())
        return ReasonCode::quota_exceeded;
    return ReasonCode::success;
}

bool Subscriptions::put(Session& session,
                        const mqtt::SubscribeEntry& entry,
                        Qos qos,
                        std::uint32_t identifier) {
    const auto split = split_shared(entry.filter);
    auto found = session.subscriptions.find(entry.filter);
    const bool is_new = found == session.subscriptions.end();
    if (is_new) {
        auto made = std::make_unique<Subscription>();
        made->as_subscribed = entry.filter;
        made->filter = TopicFilter{split.filter};
        made->number = ++made_;
        found = session.subscriptions.emplace(made->as_subscribed, std::move(made)).first;
    }
    // A repeated filter replaces the options, also the identifier [MQTT-3.8.4-3].
    Subscription& subscription = *found->second;
    subscription.qos = qos;
    subscription.no_local = entry.no_local;
    subscription.retain_as_published = entry.retain_as_published;
    subscription.retain_handling = entry.retain_handling;
    subscription.identifier = identifier;
    keep(session, subscription);
    if (is_new)
        attach(session, subscription);
    return is_new;
}

void Subscriptions::attach(Session& session, Subscription& subscription) {
    const auto split = split_shared(subscription.as_subscribed);
    ++core_.stats.subscriptions;
    if (core_.peers)
        announce(session, subscription);
    if (split.group.empty()) {
        core_.tree.insert(split.filter, {.session = &session, .subscription = &subscription});
        return;
    }
    ++session.shared;
    std::uint64_t number = 0;
    if (core_.peers)
        number = core_.peers->joined(split.group, split.filter, session.connection != nullptr);
    bool created = false;
    auto& group = core_.groups.find_or_create(split.group, subscription.filter, number, created);
    subscription.group = group.key();
    group.add({&session, &subscription});
    if (created)
        core_.tree.insert(split.filter, {.group = &group});
}

void Subscriptions::announce(const Session& session, const Subscription& subscription) {
    if (split_shared(subscription.as_subscribed).group.empty())
        core_.peers->wants(Peers::Of::any, subscription.filter.view());
    if (session.kept != 0)
        core_.peers->wants(Peers::Of::lasting, subscription.filter.view());
}

void Subscriptions::lasts_no_more(const Session& session) {
    if (core_.peers)
        for (const auto& [name, subscription] : session.subscriptions)
            core_.peers->wants_no_more(Peers::Of::lasting, subscription->filter.view());
}

void Subscriptions::connected(const Session& session, bool now) {
    if (!core_.peers || session.shared == 0)
        return;
    for (const auto& [name, subscription] : session.subscriptions) {
        if (!subscription->shared())
            continue;
        if (now)
            core_.peers->member_connected(subscription->group);
        else
            core_.peers->member_disconnected(subscription->group);
    }
}

void Subscriptions::keep(const Session& session, const Subscription& subscription) {
    if (session.kept != 0)
        core_.journal.add(SubscriptionKept{.session = session.kept,
                                           .filter = subscription.as_subscribed,
                                           .identifier = subscription.identifier,
                                           .number = subscription.number,
                                           .qos = subscription.qos,
                                           .no_local = subscription.no_local,
                                           .retain_as_published = subscription.retain_as_published,
                                           .replays = subscription.replays,
                                           .retain_handling = subscription.retain_handling});
}

void Subscriptions::restore(Session& session, const SubscriptionKept& kept) {
    const auto split = split_shared(kept.filter);
    auto made = std::make_unique<Subscription>();
    made->as_subscribed = kept.filter;
    made->filter = TopicFilter{split.filter};
    made->identifier = kept.identifier;
    made->number = kept.number;
    made->qos = kept.qos;
    made->no_local = kept.no_local;
    made->retain_as_published = kept.retain_as_published;
    made->replays = kept.replays;
    made->retain_handling = kept.retain_handling;
    made_ = std::max(made_, kept.number);
    const auto [found, is_new] =
        session.subscriptions.emplace(made->as_subscribed, std::move(made));
    if (!is_new)
        return;
    attach(session, *found->second);
    if (kept.replays)
        core_.replay.await_reopening(session, *found->second);
}

void Subscriptions::reopen(Session& session, Now now) {
    const bool restored = std::exchange(session.restored, false);
    const auto with_holes = Replay::with_holes(session);
    std::vector<const Subscription*> replaying;
    for (const auto& [name, subscription] : session.subscriptions) {
        if (subscription->replays && (restored || with_holes.contains(name)))
            replaying.push_back(subscription.get());
    }
    if (replaying.empty())
        return;
    std::ranges::sort(replaying, {}, &Subscription::number);
    for (const auto* subscription : replaying)
        core_.replay.open(session, *subscription, Replay::Opening::resumed, nullptr, 0, now);
    core_.replay.hold_again(session);
}

void Subscriptions::on_unsubscribe(Connection& connection,
                                   const mqtt::Unsubscribe& packet,
                                   Now now) {
    mqtt::Unsuback answer;
    answer.packet_id = packet.packet_id;  // [MQTT-3.10.4-4]
    for (const auto filter : packet.filters) {
        const bool existed = remove(*connection.session, filter, Announce::yes, now);
        answer.reasons.push_back(existed ? ReasonCode::success
                                         : ReasonCode::no_subscription_existed);
    }
    if (connection.session->kept != 0)
        core_.hold(connection);
    core_.send(connection, answer);
}

bool Subscriptions::remove(Session& session,
                           std::string_view as_subscribed,
                           Announce announce,
                           Now now) {
    const auto found = session.subscriptions.find(as_subscribed);
    if (found == session.subscriptions.end())
        return false;
    const auto subscription = std::move(found->second);
    session.subscriptions.erase(found);
    detach(session, *subscription);
    if (session.kept != 0)
        core_.journal.add(SubscriptionGone{session.kept, subscription->as_subscribed});
    core_.replay.drop(session, subscription->as_subscribed, now);
    if (announce == Announce::yes)
        core_.raise(Hook::session_unsubscribed,
                    [&] { return unsubscribed(session, *subscription, now); });
    return true;
}

void Subscriptions::detach(Session& session, Subscription& subscription) {
    --core_.stats.subscriptions;
    if (core_.peers) {
        if (session.kept != 0)
            core_.peers->wants_no_more(Peers::Of::lasting, subscription.filter.view());
        if (subscription.shared())
            core_.peers->left(subscription.group, session.connection != nullptr);
        else
            core_.peers->wants_no_more(Peers::Of::any, subscription.filter.view());
    }
    if (!subscription.shared()) {
        core_.tree.erase(subscription.filter.view(),
                         {.session = &session, .subscription = &subscription});
        return;
    }
    --session.shared;
    SharedGroup* group = core_.groups.find(subscription.group);
    group->remove(session);
    if (group->empty()) {
        core_.tree.erase(subscription.filter.view(), {.group = group});
        core_.groups.erase(subscription.group);
    }
}

void Subscriptions::remove_all(Session& session) {
    for (const auto& [name, subscription] : session.subscriptions) detach(session, *subscription);
    session.subscriptions.clear();
}

void Subscriptions::subscribe_on_behalf(Session& session,
                                        std::span<const Provisioned> wanted,
                                        Now now) {
    for (const auto& one : wanted) {
        const mqtt::SubscribeEntry entry{.filter = one.filter.view(), .qos = one.qos};
        if (one.qos > Qos::exactly_once || check(session, entry) != ReasonCode::success)
            continue;
        const Qos qos = std::min(one.qos, core_.limits.max_qos);
        const auto opening =
            put(session, entry, qos, 0) ? Replay::Opening::first : Replay::Opening::repeated;
        core_.replay.open(
            session, *session.subscriptions.find(entry.filter)->second, opening, nullptr, 0, now);
    }
}

void Subscriptions::unsubscribe_on_behalf(Session& session,
                                          std::span<const TopicFilter> filters,
                                          Now now) {
    for (const auto& filter : filters) remove(session, filter.view(), Announce::yes, now);
}

}  // namespace keepmq::broker
