#include "broker/fence.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

constexpr std::size_t generation = 32'768;
constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void keep_newest(std::vector<MessagePtr>& retained) {
    std::ranges::sort(retained, [](const MessagePtr& a, const MessagePtr& b) {
        const auto order = a->topic <=> b->topic;
        return order == 0 ? a->id > b->id : order < 0;
    });
    const auto same_topic = [](const MessagePtr& a, const MessagePtr& b) {
        return a->topic == b->topic;
    };
    retained.erase(std::unique(retained.begin(), retained.end(), same_topic), retained.end());
}

void Fence::RecentIds::insert(MessageId id) {
    if (newer_.size() >= generation)
        older_ = std::exchange(newer_, {});
    newer_.insert(id);
}

void Fence::RecentIds::erase(MessageId id) {
    newer_.erase(id);
    older_.erase(id);
}

bool Fence::RecentIds::contains(MessageId id) const {
    return newer_.contains(id) || older_.contains(id);
}

Fence::Fence(FenceId id, TopicFilter filter)
    : id_{id}, filter_{std::move(filter)}, wildcard_{has_wildcard(filter_.view())} {}

bool Fence::covers(std::string_view topic) const {
    return wildcard_ ? filter_matches(filter_.view(), topic) : filter_.view() == topic;
}

bool Fence::plan(const ReplayPlan& plan) {
    planned_ = true;
    awaited_writes_ = plan.awaited_writes;
    awaited_retained_ = plan.awaited_retained;
    fetch_ = plan.fetch;
    return opening_over();
}

bool Fence::write_done() {
    if (awaited_writes_ == 0)
        return false;
    --awaited_writes_;
    return opening_over();
}

bool Fence::retained_done(std::vector<MessagePtr> found) {
    if (awaited_retained_ == 0)
        return false;
    --awaited_retained_;
    retained_.insert(retained_.end(),
                     std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
    return opening_over();
}

bool Fence::opening_over() {
    if (!planned_ || awaited_writes_ != 0 || awaited_retained_ != 0)
        return false;
    if (state_ == State::opening)
        state_ = State::fetching;
    return true;
}

Fence::Hold Fence::hold(const MessagePtr& message,
                        std::size_t limit,
                        std::vector<MessagePtr>& given_up) {
    if (fetched_.contains(message->id) || delivered_.contains(message->id) ||
        held_ids_.contains(message->id))
        return Hold::held;
    if (held_.size() >= limit) {
        if (fetch_ && !finished_) {
            give_up_stored(given_up);
            if (message->stored) {
                gave_up_ = true;
                given_up.push_back(message);
                return Hold::left_to_fetch;
            }
        }
        if (held_.size() >= limit)
            return Hold::full;
    }
    held_.push_back(message);
    held_ids_.insert(message->id);
    return Hold::held;
}

void Fence::give_up_stored(std::vector<MessagePtr>& given_up) {
    std::erase_if(held_, [&](const MessagePtr& message) {
        if (message->stored && held_ids_.erase(message->id) == 1) {
            gave_up_ = true;
            given_up.push_back(message);
        }
        return message->stored;
    });
}

bool Fence::wants_page() const {
    return planned_ && awaited_writes_ == 0 && awaited_retained_ == 0 && state_ != State::done &&
           fetch_ && !page_under_way_ && !finished_;
}

Fence::PageRequest Fence::request_page(std::size_t page_size) {
    page_under_way_ = true;
    if (!next_)
        gave_up_ = false;  // all that was given up until now is stored before this pass reads
    auto limit = page_size;
    if (fetch_->max_returned_count) {
        // One more than may be returned tells whether anything remains.
        const auto left =
            *fetch_->max_returned_count - std::min(returned_, *fetch_->max_returned_count);
        if (left < limit)
            limit = static_cast<std::size_t>(left) + 1;
    }
    asked_ = std::exchange(next_, std::nullopt);
    return {asked_, limit};
}

void Fence::put_back_page() {
    page_under_way_ = false;
    next_ = std::exchange(asked_, std::nullopt);
}

Fence::PageResult Fence::page(std::vector<MessagePtr> messages,
                              std::optional<std::string> next,
                              const std::function<bool(const Message&)>& skip) {
    PageResult result;
    page_under_way_ = false;
    const auto most = fetch_ && fetch_->max_returned_count ? *fetch_->max_returned_count : no_limit;
    for (auto& message : messages) {
        const bool deliver =
            !delivered_.contains(message->id) && !fetched_.contains(message->id) && !skip(*message);
        if (deliver && returned_ >= most) {
            result.truncated = true;  // a live copy that is held is still the client's
            break;
        }
        if (held_ids_.erase(message->id) == 1)
            overtake(message, skip, result);
        if (deliver) {
            ++returned_;
            result.deliver.push_back(message);
        }
        fetched_.insert(message->id);
        result.in_order.push_back(std::move(message));
    }
    next_ = std::move(next);
    finished_ = result.truncated || (!next_ && !gave_up_);
    result.finished = finished_;
    return result;
}

/// The page brought the stored copy of a held message. The live one takes its place: it has what a
/// table may have no column for. Held ones of its topic with an older id that no page brought are
/// not going to come: they lie before the initial position, or the store refused them. One with a
/// newer id may be held before it, because the publisher sent it again after a crash.
void Fence::overtake(MessagePtr& brought,
                     const std::function<bool(const Message&)>& skip,
                     PageResult& result) {
    while (!held_.empty() && !held_ids_.contains(held_.front()->id) &&
           held_.front()->id != brought->id)
        held_.pop_front();
    for (const auto& older : held_) {
        if (older->id == brought->id) {
            brought = older;
            return;
        }
        if (older->stored && older->id < brought->id && older->topic == brought->topic &&
            held_ids_.erase(older->id) == 1) {
            fetched_.insert(older->id);
            if (!delivered_.contains(older->id) && !skip(*older))
                result.deliver.push_back(older);
            result.in_order.push_back(older);
        }
    }
}

std::vector<MessagePtr> Fence::take_held() {
    auto held = std::exchange(held_, {});
    const auto ids = std::exchange(held_ids_, {});
    std::vector<MessagePtr> taken;
    taken.reserve(ids.size());
    std::copy_if(std::make_move_iterator(held.begin()),
                 std::make_move_iterator(held.end()),
                 std::back_inserter(taken),
                 [&](const MessagePtr& message) { return ids.contains(message->id); });
    return taken;
}

std::vector<MessagePtr> Fence::release() {
    state_ = State::done;
    return take_held();
}

std::vector<MessagePtr> Fence::make_late() {
    if (state_ == State::done || state_ == State::late)
        return {};
    state_ = State::late;
    auto released = take_held();
    for (const auto& message : released) delivered_.insert(message->id);
    return released;
}

void Fence::delivered_live(MessageId id) {
    delivered_.insert(id);
}

void Fence::dropped_live(MessageId id) {
    delivered_.erase(id);
}

void Fence::sent_as_retained(MessageId id) {
    if (fetch_)  // else the fence ends with this
        delivered_.insert(id);
    held_ids_.erase(id);
}

}  // namespace keepmq::broker
