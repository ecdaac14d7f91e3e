#include "broker/tracker.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace keepmq::broker {
namespace {

/// What was acknowledged beyond a hole is remembered up to this number. A client that reads on for
/// weeks without ever fetching the hole may get older ones a second time when it does.
constexpr std::size_t remembered = 65'536;

}  // namespace

// --- Entries ------------------------------------------------------------------------------------

Tracker::Entry* Tracker::Entries::find(MessageId id) {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(head_);
    const auto found =
        sorted_ ? std::lower_bound(begin,
                                   entries_.end(),
                                   id,
                                   [](const Entry& e, MessageId wanted) { return e.id < wanted; })
                : std::find_if(begin, entries_.end(), [&](const Entry& e) { return e.id == id; });
    return found == entries_.end() || found->id != id ? nullptr : &*found;
}

void Tracker::Entries::push(const Entry& entry) {
    sorted_ = empty() || (sorted_ && entries_.back().id < entry.id);
    entries_.push_back(entry);
}

void Tracker::Entries::pop() {
    ++head_;
    if (empty()) {
        std::vector<Entry>{}.swap(entries_);
        head_ = 0;
    } else if (head_ > 64 && head_ > entries_.size() / 2) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
        head_ = 0;
    }
}

void Tracker::Entries::move_all_to(Entries& other) {
    for (; !empty(); pop()) other.push(front());
}

void Tracker::Entries::move_to(Entries& other, const Entry* last) {
    Entries stay;
    for (auto count = static_cast<std::size_t>(last - &front()); count != 0; --count) {
        (front().settled ? stay : other).push(front());
        pop();
    }
    other.push(front());
    pop();
    if (stay.empty())
        return;
    move_all_to(stay);
    std::swap(*this, stay);
}

void Tracker::Entries::forget_recent() {
    for (auto i = head_; i < entries_.size(); ++i) entries_[i].recent = false;
}

void Tracker::Entries::erase(MessageId id) {
    if (const auto* found = find(id))
        entries_.erase(entries_.begin() + (found - entries_.data()));
    if (empty()) {
        std::vector<Entry>{}.swap(entries_);
        head_ = 0;
    }
}

void Tracker::Entries::drop_passed_over() {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(head_);
    entries_.erase(
        std::remove_if(
            begin, entries_.end(), [](const Entry& e) { return e.settled && !e.recent; }),
        entries_.end());
}

void Tracker::Entries::open(std::vector<MessageId>& out) const {
    for (auto i = head_; i < entries_.size(); ++i) {
        if (!entries_[i].settled)
            out.push_back(entries_[i].id);
    }
}

void Tracker::Entries::thin_out() {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(head_);
    auto surplus =
        std::count_if(begin, entries_.end(), [](const Entry& e) { return e.settled; }) / 2;
    entries_.erase(
        std::remove_if(
            begin, entries_.end(), [&](const Entry& e) { return e.settled && surplus-- > 0; }),
        entries_.end());
}

// --- Tracker ------------------------------------------------------------------------------------

Tracker::Entry* Tracker::find(MessageId id) {
    if (auto* found = entries_.find(id))
        return found;
    if (auto* found = beyond_.find(id))
        return found;
    return late_.find(id);
}

void Tracker::add(MessageId id) {
    if (find(id))
        return;
    if (refetching_)
        (hole_ ? late_ : beyond_).push({.id = id, .recent = true});
    else
        (hole_ ? beyond_ : entries_).push({.id = id});
}

void Tracker::add_hole() {
    hole_ = true;
}

void Tracker::forget(MessageId id) {
    for (auto* entries : {&entries_, &beyond_, &late_}) entries->erase(id);
}

std::optional<MessageId> Tracker::settle(MessageId id) {
    auto* entry = find(id);
    if (!entry)
        return std::nullopt;
    entry->settled = true;
    if (beyond_.size() > remembered)
        beyond_.thin_out();
    return advance();
}

std::optional<MessageId> Tracker::advance() {
    std::optional<MessageId> moved;
    for (; !entries_.empty() && entries_.front().settled; entries_.pop()) {
        // An older one comes last when it lies before the place where the client began; to the
        // database, too, the newest id of several is the one that counts.
        if (position_ < entries_.front().id)
            moved = position_ = entries_.front().id;
    }
    return moved;
}

bool Tracker::idle() const {
    return size() == 0 && !hole_ && !refetching_;
}

bool Tracker::knows(MessageId id) const {
    return find(id) != nullptr;
}

bool Tracker::is_settled(MessageId id) const {
    const auto* entry = find(id);
    return entry && entry->settled;
}

std::vector<MessageId> Tracker::open() const {
    std::vector<MessageId> ids;
    for (const auto* entries : {&entries_, &beyond_, &late_}) entries->open(ids);
    return ids;
}

void Tracker::begin_refetch() {
    // Nothing is passed before the fetch brings it again: what another broker stored may lie
    // between.
    beyond_.move_all_to(entries_);
    late_.move_all_to(entries_);
    std::swap(entries_, beyond_);
    beyond_.forget_recent();
    hole_ = false;  // what was dropped until now is stored before the fetch reads
    refetching_ = true;
}

void Tracker::refetched(MessageId id) {
    if (entries_.find(id))
        return;
    // A known message that the fetch passed over keeps its place: it holds the position as before.
    if (const auto* known = beyond_.find(id)) {
        beyond_.move_to(entries_, known);
    } else if (const auto* recent = late_.find(id)) {
        late_.move_to(entries_, recent);
    } else {
        entries_.push({.id = id});
    }
}

std::optional<MessageId> Tracker::end_refetch(bool complete) {
    refetching_ = false;
    if (complete) {
        beyond_.drop_passed_over();
        beyond_.move_all_to(entries_);
        late_.move_all_to(beyond_);
    } else {
        late_.move_all_to(beyond_);
        hole_ = true;
    }
    return advance();
}

}  // namespace keepmq::broker
