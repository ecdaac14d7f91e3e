// Replay: stored messages come in pages, as fast as the client reads.

#include <algorithm>

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

void Replay::start_fetch(Session& session, OpenFence& fence, Now now) {
    fence.fetching = true;
    bool earlier = true;
    for (const auto& other : session.replay->fences) {
        if (other.get() == &fence)
            earlier = false;
        const bool first = other.get() != &fence && fence.fence.wildcard() &&
                           (earlier || !other->fence.wildcard());
        const bool may_fetch =
            !other->shared && (!other->fence.planned() || other->fence.fetch_spec());
        if (first && may_fetch &&
            filters_overlap(other->fence.filter().view(), fence.fence.filter().view()))
            fence.behind.push_back(other->fence.id());
    }
    if (!fence.behind.empty())
        arm(fence, now);
    room(session, now);
}

void Replay::go_first(Session& session, OpenFence& fence, Now now) {
    if (!fence.had_before)
        freeze(session, fence);  // another subscription may have begun its topic at a later place
    for (const auto& other : session.replay->fences) {
        if (other->fetching && other->fence.wildcard() &&
            other->fence.covers(fence.fence.filter().view())) {
            other->behind.push_back(fence.fence.id());
            arm(*other, now);
        }
    }
}

void Replay::room(Session& session, Now now) {
    if (!session.replay || !session.connection)
        return;
    const auto enough = std::max<std::size_t>(core_.limits.replay_page / 2, 1);
    for (const auto& fence : session.replay->fences) {
        if (session.queue.size() >= enough)
            return;
        if (fence->fetching && fence->behind.empty() && fence->fence.wants_page())
            request_page(session, *fence, now);
    }
}

void Replay::request_page(Session& session, OpenFence& fence, Now now) {
    auto request = fence.fence.request_page(std::max<std::size_t>(core_.limits.replay_page, 1));
    if (!request.after) {
        auto& truncated = session.replay->truncated;
        std::erase_if(truncated, [&](const auto& one) { return one.first == fence.as_subscribed; });
        freeze(session, fence);
    }
    arm(fence, now);
    core_.effects.emplace_back(Fetch{fence.fence.id(),
                                     session.client,
                                     fence.fence.filter(),
                                     std::move(request.after),
                                     request.limit});
}

void Replay::on_fetched(FenceId id,
                        std::vector<MessagePtr> page,
                        std::optional<std::string> next,
                        Now now) {
    const auto found = find(id);  // no structured binding: clang 14 captures none in lambdas
    auto* const session = found.session;
    auto* const fence = found.fence;
    if (!fence || !fence->fence.page_under_way())
        return;
    if (!fence->behind.empty()) {
        fence->fence.put_back_page();
        return;
    }
    // Somebody else may have written the rows: a client would have to refuse such a topic, and
    // never come beyond it.
    std::erase_if(page, [&](const auto& message) {
        const auto topic = message->topic.view();
        return !fence->fence.covers(topic) || !is_topic_name(topic) || !is_mqtt_utf8(topic);
    });
    auto& state = *session->replay;
    std::vector<MessageId> reserved;  // until the deliveries hold them
    const bool one_to_one = fence->fence.fetch_spec()->mode == ReplayPlan::Mode::queue;
    const auto skip = [&](const Message& message) {
        const auto tracked = state.topics.find(message.topic.view());
        if ((tracked != state.topics.end() && tracked->second.tracker.knows(message.id)) ||
            state.settled.contains(message.id) || state.under_way.contains(message.id) ||
            (message.sender == session->client && !is_wanted(*session, message)))
            return true;
        if (is_expired(message, now)) {
            ++core_.stats.dropped_expired;
            return true;
        }
        return one_to_one && !reserve(message.id, reserved);
    };
    const auto result = fence->fence.page(std::move(page), std::move(next), skip);
    deliver_page(*session, *fence, result, now);
    for (const auto row : reserved) core_.leases->give_back(row);
    core_.stats.replayed += result.deliver.size();
    if (result.finished)
        close(*session, *fence, !result.truncated, now);
    else
        room(*session, now);
}

bool Replay::reserve(MessageId id, std::vector<MessageId>& reserved) {
    if (!core_.leases->take_if_free(id))
        return false;
    reserved.push_back(id);
    return true;
}

void Replay::on_fetch_failed(FenceId id, Now now) {
    const auto [session, fence] = find(id);
    if (!fence || !fence->fence.page_under_way())
        return;
    close(*session, *fence, false, now);
}

void Replay::deliver_page(Session& session,
                          OpenFence& fence,
                          const Fence::PageResult& page,
                          Now now) {
    auto& state = *session.replay;
    auto next = page.deliver.begin();
    for (const auto& message : page.in_order) {
        auto& tracked = topic(session, message->topic.view());
        const bool known = tracked.tracker.knows(message->id);
        const bool ours = tracked.refetched_by == fence.fence.id();
        if (ours)
            tracked.tracker.refetched(message->id);
        if (next != page.deliver.end() && *next == message) {
            ++next;
            if (!ours)
                tracked.tracker.add(message->id);
            deliver_fetched(session, message, now);
        } else if (!known && !state.under_way.contains(message->id)) {
            // Acknowledged since the page was read, or in the hands of another session, or not
            // delivered on purpose.
            settled(session, *message);
        } else if (tracked.tracker.is_settled(message->id)) {
            // The position may pass it, and the page of another fence that was read before brings
            // it.
            state.settled.insert(message->id);
        }
        forget_held(session, message->id);
    }
}

bool Replay::is_wanted(const Session& session, const Message& message) {
    core_.router.match(session, message, match_);
    return match_.wanted;
}

void Replay::deliver_fetched(Session& session, const MessagePtr& message, Now now) {
    if (!is_wanted(session, *message)) {
        settled(session, *message);
        return;
    }
    const auto qos = std::min(message->qos, match_.qos);
    const bool taken = core_.outbound.deliver(session,
                                              {.message = message,
                                               .qos = qos,
                                               .identifiers = match_.identifiers,
                                               .track = Outbound::Track::registered,
                                               .room = Outbound::Room::forced},
                                              now);
    if (auto* by = taken && qos != Qos::at_most_once ? core_.received.find(*message) : nullptr) {
        by->sessions.insert(session.key);
        if (session.kept != 0)
            core_.journal.add(ReceivedKept{message->id, session.kept, {}});
    }
}

void Replay::on_deadline(const Timers::Entry& due, Now now) {
    const auto [session, fence] = find(FenceId{due.key});
    if (!fence || !Timers::accept(fence->alarm, due) || !fence->holds())
        return;
    const bool waits = !fence->fetching || fence->fence.page_under_way() || !fence->behind.empty();
    if (!waits)
        return;  // the client reads slowly; the next page arms it again
    if (!fence->retained_left.empty())
        return;  // the next portion arms it again
    if (now.steady < fence->deadline) {
        core_.timers.arm(fence->alarm, fence->deadline, Timers::Kind::fence, due.key);
        return;
    }
    ++core_.stats.fences_late;
    if (fence->fence.fetch_spec() && !fence->frozen)  // not in the middle of a pass
        freeze(*session, *fence);
    pass_on(*session, fence->fence.make_late(), now);
}

}  // namespace keepmq::broker
