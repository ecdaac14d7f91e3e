#pragma once
// The read position of one session on one topic: which stored messages are settled.
//
// Messages are registered in store order when they are routed to the session or fetched for it. The
// position may move to a message when it and all registered before it are settled: acknowledged, or
// deliberately not delivered (no-local, expired, too large for the client, effective QoS 0). A
// message that was dropped because a queue was full is a hole: the position stays before it, and
// what was acknowledged beyond it is remembered, so that the fetch that brings the hole leaves it
// out.

#include <cstddef>
#include <optional>
#include <vector>

#include "model/message_id.hpp"

namespace keepmq::broker {

class Tracker {
  public:
    /// Next message in store order. A second registration of the same id changes nothing.
    void add(MessageId id);
    /// The message was dropped, or the fetch ended before it: nothing beyond it may be passed
    /// until a fetch brings it.
    void add_hole();
    /// It is not on its way any more, and was not acknowledged: a fetch may bring it.
    void forget(MessageId id);
    /// Marks as settled; returns the new position if it moved.
    [[nodiscard]] std::optional<MessageId> settle(MessageId id);
    /// Nothing is open and no hole: the tracker can be forgotten.
    [[nodiscard]] bool idle() const;
    [[nodiscard]] bool has_hole() const { return hole_; }
    /// Registered and not settled, or settled beyond the position: a fetch leaves these out.
    [[nodiscard]] bool knows(MessageId id) const;
    [[nodiscard]] bool is_settled(MessageId id) const;
    /// Registered and not settled.
    [[nodiscard]] std::vector<MessageId> open() const;

    /// A fetch from the position begins: its messages are registered by `refetched`, in order,
    /// known ones take their place among them with the state they have; `end_refetch` appends
    /// what is known and was not fetched (newer than the fetch), and forgets the hole.
    void begin_refetch();
    void refetched(MessageId id);
    [[nodiscard]] std::optional<MessageId> end_refetch(bool complete);

    /// Messages that are kept in mind.
    [[nodiscard]] std::size_t size() const {
        return entries_.size() + beyond_.size() + late_.size();
    }

  private:
    struct Entry {
        MessageId id;
        bool settled = false;
        bool recent = false;  ///< registered since the running fetch began
    };
    /// A queue of entries that takes no memory while it is empty; there is one tracker for each
    /// session and topic.
    class Entries {
      public:
        [[nodiscard]] std::size_t size() const { return entries_.size() - head_; }
        [[nodiscard]] bool empty() const { return size() == 0; }
        [[nodiscard]] Entry& front() { return entries_[head_]; }
        [[nodiscard]] Entry* find(MessageId id);
        [[nodiscard]] const Entry* find(MessageId id) const {
            return const_cast<Entries*>(this)->find(id);
        }
        void push(const Entry& entry);
        void pop();
        void move_all_to(Entries& other);
        /// Moves `last` and, before it, the open ones in front of it. Settled ones stay: the fetch
        /// passed them over, so their place is not there.
        void move_to(Entries& other, const Entry* last);
        void forget_recent();
        void erase(MessageId id);
        /// What a complete fetch did not bring although it had been registered before: it lies
        /// before the place where the client began, or the database refused it. If it is settled,
        /// it has no place at all.
        void drop_passed_over();
        void open(std::vector<MessageId>& out) const;
        /// Drops the older half of the settled ones.
        void thin_out();

      private:
        std::vector<Entry> entries_;
        std::size_t head_ = 0;
        bool sorted_ = true;  ///< by id, as far as looked at: then `find` need not go through all
    };

    [[nodiscard]] Entry* find(MessageId id);
    [[nodiscard]] const Entry* find(MessageId id) const {
        return const_cast<Tracker*>(this)->find(id);
    }
    [[nodiscard]] std::optional<MessageId> advance();

    Entries entries_;     ///< everything from the position on, without a gap, in store order
    Entries beyond_;      ///< registered after a hole, or not reached by the running fetch
    Entries late_;        ///< while refetching: registered after a hole that opened meanwhile
    MessageId position_;  ///< that was reported last
    bool hole_ = false;
    bool refetching_ = false;
};

}  // namespace keepmq::broker
