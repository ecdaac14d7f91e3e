// Replay: fences open and close, SUBACK.

#include "broker/replay.hpp"

#include <algorithm>
#include <utility>

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

using mqtt::ReasonCode;

Replay::Found Replay::find(FenceId id) {
    const auto* key = fences_.find(static_cast<std::uint64_t>(id));
    Session* session = key ? core_.sessions.find(*key) : nullptr;
    if (!session || !session->replay)
        return {};
    for (const auto& fence : session->replay->fences) {
        if (fence->fence.id() == id)
            return {session, fence.get()};
    }
    return {};
}

OpenFence* Replay::find(Session& session, std::string_view as_subscribed) {
    if (!session.replay)
        return nullptr;
    for (const auto& fence : session.replay->fences) {
        if (fence->as_subscribed == as_subscribed)
            return fence.get();
    }
    return nullptr;
}

void Replay::open(Session& session,
                  const Subscription& subscription,
                  Opening opening,
                  const std::shared_ptr<PendingSuback>& suback,
                  std::size_t entry,
                  Now now) {
    if (auto* open = find(session, subscription.as_subscribed);
        open && opening == Opening::resumed) {
        open->fence.mark_given_up();  // it reads once more
        return;
    }
    std::vector<MessagePtr> held;
    std::vector<SubackEntry> subacks;
    bool had_before = opening != Opening::first;
    bool gave_up = false;
    bool owes_retained = false;
    std::vector<MessagePtr> retained_left;
    std::unordered_set<std::string> retained_live;
    if (!session.replay)
        session.replay = std::make_unique<ReplayState>();
    auto& fences = session.replay->fences;
    auto place = fences.size();
    if (OpenFence* replaced = find(session, subscription.as_subscribed)) {
        had_before = replaced->fence.durable() || replaced->had_before;
        // What it began is done when the same is done for the new one: the lane keeps their order.
        if (!replaced->entries_counted)
            subacks = std::move(replaced->subacks);
        // What it holds stays before what others hold. A late one holds nothing: meanwhile those
        // behind it have held, so the new one goes behind them.
        const auto is_it = [&](const auto& one) { return one.get() == replaced; };
        if (replaced->fence.state() == Fence::State::late)
            --place;
        else
            place = static_cast<std::size_t>(std::ranges::find_if(fences, is_it) - fences.begin());
        gave_up = replaced->fence.gave_up();
        owes_retained = replaced->wants_retained && !replaced->retained_sent;
        retained_left = std::move(replaced->retained_left);
        retained_live = std::move(replaced->retained_live);
        held = take_out(session, *replaced, false);
    }
    if (suback) {
        subacks.push_back({suback, entry});
        ++suback->waiting;
    }
    const FenceId id{fences_.insert(session.key)};
    for (const auto& awaited : subacks) {
        auto& known = awaited.suback->fences;
        if (known.empty() || known.back() != id)  // a filter may be there many times
            known.push_back(id);
    }
    const auto at = fences.begin() + static_cast<std::ptrdiff_t>(place);
    OpenFence& fence = **fences.insert(
        at,
        std::make_unique<OpenFence>(OpenFence{.fence = Fence{id, subscription.filter},
                                              .as_subscribed = subscription.as_subscribed,
                                              .subacks = std::move(subacks),
                                              .shared = subscription.shared(),
                                              .had_before = had_before,
                                              .retained_left = {},
                                              .behind = {},
                                              .retained_live = std::move(retained_live),
                                              .deadline = {},
                                              .alarm = {}}));
    // [MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11]
    const auto handling = subscription.retain_handling;
    fence.wants_retained =
        !fence.shared && opening != Opening::resumed &&
        (handling == mqtt::RetainHandling::send ||
         (handling == mqtt::RetainHandling::send_if_new && opening == Opening::first));
    // Replacing a subscription loses none that it was to get [MQTT-3.8.4-4].
    const bool finds_retained = fence.wants_retained || (owes_retained && retained_left.empty());
    if (owes_retained && !finds_retained)
        fence.retained_left = std::move(retained_left);
    fence.wants_retained |= owes_retained;
    if (gave_up)
        fence.fence.mark_given_up();
    for (const auto& message : held) static_cast<void>(hold_behind(session, fence, message));
    arm(fence, now);
    ++core_.stats.fences_open;
    core_.effects.emplace_back(Subscribed{
        id,
        SessionSubscribed{
            session.who(), now.wall, subscription.filter, fence.shared, subscription.qos},
        finds_retained,
        opening == Opening::resumed});
}

void Replay::all_opened(PendingSuback& suback, Now now) {
    if (suback.waiting == 0)
        send_suback(suback, now);
}

void Replay::arm(OpenFence& fence, Now now) {
    fence.deadline = now.steady + core_.limits.replay_deadline;
    core_.timers.arm(fence.alarm,
                     fence.deadline,
                     Timers::Kind::fence,
                     static_cast<std::uint64_t>(fence.fence.id()));
}

void Replay::on_plan(FenceId id, const ReplayPlan& plan, Now now) {
    const auto [session, fence] = find(id);
    if (!fence || fence->fence.planned())
        return;
    if (plan.fetch && plan.fetch->mode == ReplayPlan::Mode::queue)
        core_.leases->begin();
    fence->fence.plan(plan);
    if (const auto found = session->subscriptions.find(fence->as_subscribed);
        found != session->subscriptions.end()) {
        const bool replays = plan.fetch && !fence->shared;
        if (std::exchange(found->second->replays, replays) != replays)
            core_.subscriptions.keep(*session, *found->second);
    }
    if (plan.fetch && !fence->shared && !fence->fence.wildcard())
        go_first(*session, *fence, now);
    advance(*session, *fence, now);
}

void Replay::on_write(FenceId id, bool ok, Now now) {
    const auto [session, fence] = find(id);
    if (!fence || fence->fence.writes_left() == 0)
        return;
    if (!ok) {
        for (const auto& awaited : fence->subacks) {
            if (!awaited.suback->sent)
                awaited.suback->reasons[awaited.index] = ReasonCode::unspecified_error;
        }
        const auto name = fence->as_subscribed;
        if (fence->had_before)
            drop(*session, name, now);  // the client still has what it had
        else
            core_.subscriptions.remove(*session, name, Subscriptions::Announce::no, now);
        return;
    }
    fence->fence.write_done();
    advance(*session, *fence, now);
}

void Replay::on_retained(FenceId id, std::vector<MessagePtr> found, Now now) {
    const auto [session, fence] = find(id);
    if (!fence || fence->fence.retained_left() == 0)
        return;
    fence->fence.retained_done(std::move(found));
    advance(*session, *fence, now);
}

/// Goes on as far as nothing is awaited.
void Replay::advance(Session& session, OpenFence& fence, Now now) {
    if (!fence.fence.durable())
        return;
    if (!fence.entries_counted && !fence.subacks.empty()) {
        entries_done(fence, now);  // comes back here for each fence of the packets
        return;
    }
    if (std::ranges::any_of(fence.subacks,
                            [](const auto& awaited) { return !awaited.suback->sent; }))
        return;
    if (fence.fence.retained_left() > 0 || fence.fetching)
        return;
    if (fence.wants_retained && !fence.retained_sent && !send_retained(session, fence, now))
        return;
    fence.retained_sent = true;
    if (fence.fence.fetch_spec() && !fence.shared)
        start_fetch(session, fence, now);
    else
        close(session, fence, true, now);
}

void Replay::entries_done(OpenFence& fence, Now now) {
    if (std::exchange(fence.entries_counted, true))
        return;
    const auto subacks = fence.subacks;  // sending one may end the fence
    for (const auto& awaited : subacks) {
        if (--awaited.suback->waiting == 0)
            send_suback(*awaited.suback, now);
    }
}

void Replay::send_suback(PendingSuback& suback, Now now) {
    suback.sent = true;
    Connection* connection = core_.find(suback.connection);
    if (connection && connection->state == Connection::State::connected) {
        mqtt::Suback answer;
        answer.packet_id = suback.packet_id;  // [MQTT-3.8.4-2]
        answer.reasons = suback.reasons;
        if (connection->session->kept != 0)
            core_.hold(*connection);
        core_.send(*connection, answer);
    }
    for (const FenceId id : suback.fences) {
        const auto [session, fence] = find(id);
        if (fence)
            advance(*session, *fence, now);
    }
}

void Replay::close(Session& session, OpenFence& fence, bool complete, Now now) {
    if (!complete)
        left_to_nobody(session, fence);
    const auto held = take_out(session, fence, complete);
    pass_on(session, held, now);
    room(session, now);
    tidy(session);
}

std::vector<MessagePtr> Replay::take_out(Session& session, OpenFence& fence, bool complete) {
    auto& state = *session.replay;
    const auto id = fence.fence.id();
    auto held = fence.fence.release();
    std::erase_if(held, [&](const auto& message) {
        const bool over = is_over(state, *message);
        if (over)
            forget_held(session, message->id);
        return over;
    });
    const bool frozen = fence.frozen;
    ended(fence);
    // What it left to a fetch that does not come any more is a hole, as is what was not read.
    if (!complete && (!fence.had_before || fence.fetching || fence.fence.gave_up()))
        state.truncated.emplace_back(fence.as_subscribed, fence.fence.filter());
    fences_.erase(static_cast<std::uint64_t>(id));
    std::erase_if(state.fences, [&](const auto& one) { return one->fence.id() == id; });
    for (const auto& other : state.fences) std::erase(other->behind, id);
    --core_.stats.fences_open;
    if (frozen)
        thaw(session, id, complete);
    if (state.fences.empty())
        state.settled.clear();
    return held;
}

void Replay::ended(const OpenFence& fence) {
    if (!fence.fence.planned() || fence.fence.fetch_spec())
        core_.effects.emplace_back(FenceEnded{fence.fence.id()});
}

/// What a fence let go: to the next one that covers it, or to the client.
void Replay::pass_on(Session& session, const std::vector<MessagePtr>& messages, Now now) {
    for (const auto& message : messages) {
        Match match;
        core_.router.match(session, *message, match);
        if (match.any)
            core_.router.deliver_live(session, match, message, now);
        if (!is_held(session, message->id))
            forget_held(session, message->id);
    }
}

void Replay::drop(Session& session, std::string_view as_subscribed, Now now) {
    if (!session.replay)
        return;
    if (OpenFence* fence = find(session, as_subscribed)) {
        entries_done(*fence, now);
        fence = find(session, as_subscribed);
        if (fence) {
            left_to_nobody(session, *fence);
            pass_on(session, take_out(session, *fence, false), now);
        }
    }
    if (!session.replay)
        return;
    // If its write was refused, the client still has the subscription, and what it has not read.
    if (!session.subscriptions.contains(as_subscribed))
        std::erase_if(session.replay->truncated,
                      [&](const auto& one) { return one.first == as_subscribed; });
    forget_unsubscribed(session);
    room(session, now);
    tidy(session);
}

void Replay::drop_all(Session& session) {
    if (!session.replay)
        return;
    forget_held(session);
    for (const auto& fence : session.replay->fences) {
        ended(*fence);
        fences_.erase(static_cast<std::uint64_t>(fence->fence.id()));
    }
    core_.stats.fences_open -= session.replay->fences.size();
    session.replay.reset();
}

bool Replay::hold_behind(Session& session, OpenFence& fence, const MessagePtr& message) {
    std::vector<MessagePtr> given_up;
    const auto result = fence.fence.hold(message, core_.limits.replay_buffer, given_up);
    if (result == Fence::Hold::full) {
        ++core_.stats.dropped_queue_full;
        ++session.dropped;
        forget_held(session, message->id);
    }
    for (const auto& each : given_up) forget_held(session, each->id);
    // The fetch need not reach back to what another subscription was promised.
    for (const auto& each : given_up) {
        const auto name = each->topic.view();
        const auto* found = owner(session, name);
        if (found && found->as_subscribed != fence.as_subscribed)
            topic(session, name).tracker.add_hole();
    }
    return result != Fence::Hold::full;
}

bool Replay::hold(Session& session, const MessagePtr& message, const Match* match) {
    auto& state = *session.replay;
    const auto name = message->topic.view();
    const auto covers = [&](const auto& one) { return !one->shared && one->fence.covers(name); };
    const auto holding = std::ranges::find_if(
        state.fences, [&](const auto& one) { return covers(one) && one->holds(); });
    for (const auto& one : state.fences) {
        if (!covers(one) || one->holds())
            continue;
        if (message->retain && !one->retained_sent)
            one->retained_live.insert(message->topic.str());
        // One that is late lets it through, but another one may keep it and give it up again.
        if (holding == state.fences.end())
            one->fence.delivered_live(message->id);
        else
            one->fence.dropped_live(message->id);
    }
    if (holding != state.fences.end()) {
        OpenFence& fence = **holding;
        const bool held = hold_behind(session, fence, message);
        if (held && message->retain && !fence.retained_sent)
            fence.retained_live.insert(message->topic.str());
        if (match)
            keep_held(session, message, *match);
        return true;
    }
    // A fetch may have brought it before its commit let it through here.
    return is_over(state, *message);
}

}  // namespace keepmq::broker
