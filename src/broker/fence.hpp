#pragma once
// The replay fence of one subscription: stored messages first, in store order, then the live ones
// that were not among them. Pure bookkeeping; the session moves messages as it is told.
//
//   opening   the initial position and the lookup of retained messages are under way
//   fetching  pages are asked for, one at a time, when the session has room
//   late      the deadline passed: live messages flow, positions stand still, pages still come
//   done      nothing is held any more

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "broker/broker.hpp"
#include "broker/effects.hpp"
#include "model/ids.hpp"
#include "model/message.hpp"

namespace keepmq::broker {

/// Sorted by topic, of each the newest.
void keep_newest(std::vector<MessagePtr>& retained);

class Fence {
  public:
    enum class State : std::uint8_t { opening, fetching, late, done };

    Fence(FenceId id, TopicFilter filter);

    [[nodiscard]] FenceId id() const { return id_; }
    [[nodiscard]] const TopicFilter& filter() const { return filter_; }
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool covers(std::string_view topic) const;
    [[nodiscard]] bool wildcard() const { return wildcard_; }

    [[nodiscard]] bool planned() const { return planned_; }
    [[nodiscard]] std::size_t writes_left() const { return awaited_writes_; }
    [[nodiscard]] std::size_t retained_left() const { return awaited_retained_; }
    /// The initial position is written, if there is one.
    [[nodiscard]] bool durable() const { return planned_ && awaited_writes_ == 0; }
    [[nodiscard]] bool page_under_way() const { return page_under_way_; }

    /// Each returns true when the opening is over with it: the state is `fetching` (or still
    /// `late`), and if the plan has no fetch, `release` may follow at once.
    bool plan(const ReplayPlan& plan);
    bool write_done();
    bool retained_done(std::vector<MessagePtr> found);
    /// As they were found: see keep_newest.
    [[nodiscard]] std::vector<MessagePtr> take_retained() { return std::exchange(retained_, {}); }
    [[nodiscard]] const std::optional<ReplayPlan::FetchSpec>& fetch_spec() const { return fetch_; }
    /// Stored copies are gone from here that no page brought yet.
    [[nodiscard]] bool gave_up() const { return gave_up_; }
    /// So did others: the fence that this one replaces, or the queue.
    void mark_given_up() { gave_up_ = true; }

    /// A live message while opening or fetching: held, or the buffer is full: a stored copy is
    /// given up because the fetch brings it, with all other stored copies; another one is the
    /// caller's to drop. A message that was fetched or sent already counts as held and is not kept.
    enum class Hold : std::uint8_t { held, left_to_fetch, full };
    [[nodiscard]] Hold hold(const MessagePtr& message,
                            std::size_t limit,
                            std::vector<MessagePtr>& given_up);

    [[nodiscard]] bool is_holding(MessageId id) const { return held_ids_.contains(id); }
    [[nodiscard]] bool holds_nothing() const { return held_.empty(); }
    [[nodiscard]] std::size_t held() const { return held_ids_.size(); }

    /// The next page may be asked for: fetching or late, none under way.
    [[nodiscard]] bool wants_page() const;
    struct PageRequest {
        /// Nothing: read from the position. That happens again after stored copies were given up,
        /// so each time the trackers begin a refetch.
        std::optional<std::string> after;
        std::size_t limit = 0;
    };
    [[nodiscard]] PageRequest request_page(std::size_t page_size);

    /// The page that came is not wanted yet: the same one is asked for again.
    void put_back_page();

    /// Filters a page: leaves out what was delivered or is known already (`skip`), what exceeds
    /// max_returned_count ends the fetch with `truncated`. Remembers the ids. Of a message that is
    /// held, the live copy takes the stored one's place. Held messages that
    /// precede one of the page and that the store does not bring take their place before it.
    struct PageResult {
        std::vector<MessagePtr> deliver;   ///< in order
        std::vector<MessagePtr> in_order;  ///< `deliver` and what was left out, for the tracker
        bool finished = false;             ///< no page follows
        bool truncated = false;            ///< more is stored than the rule allows to return
    };
    [[nodiscard]] PageResult page(std::vector<MessagePtr> messages,
                                  std::optional<std::string> next,
                                  const std::function<bool(const Message&)>& skip);

    /// After the last page: the live messages that no page brought, in arrival order.
    [[nodiscard]] std::vector<MessagePtr> release();
    /// The deadline passed: what is held is released; ids are remembered and left out of later
    /// pages.
    [[nodiscard]] std::vector<MessagePtr> make_late();
    /// While late: a live message goes to the session; and: it was dropped after all.
    void delivered_live(MessageId id);
    void dropped_live(MessageId id);
    /// Sent as the retained message: only this id is left out.
    void sent_as_retained(MessageId id);

  private:
    /// The newest ids; an old one is forgotten after some thousand others.
    class RecentIds {
      public:
        void insert(MessageId id);
        void erase(MessageId id);
        [[nodiscard]] bool contains(MessageId id) const;

      private:
        std::unordered_set<MessageId> newer_;
        std::unordered_set<MessageId> older_;
    };

    bool opening_over();
    void give_up_stored(std::vector<MessagePtr>& given_up);
    void overtake(MessagePtr& brought,
                  const std::function<bool(const Message&)>& skip,
                  PageResult& result);
    std::vector<MessagePtr> take_held();

    FenceId id_;
    TopicFilter filter_;
    bool wildcard_;
    State state_ = State::opening;
    bool planned_ = false;
    std::size_t awaited_writes_ = 0;
    std::size_t awaited_retained_ = 0;
    std::optional<ReplayPlan::FetchSpec> fetch_;
    std::vector<MessagePtr> retained_;
    std::deque<MessagePtr> held_;
    std::unordered_set<MessageId>
        held_ids_;         ///< of held_, less those that a page brought meanwhile
    RecentIds fetched_;    ///< their live copy may come later, when rules deliver after the commit
    RecentIds delivered_;  ///< sent as retained, or live while late
    std::optional<std::string> next_;
    std::optional<std::string> asked_;  ///< where the page under way begins
    std::uint64_t returned_ = 0;
    bool page_under_way_ = false;
    bool finished_ = false;
    bool gave_up_ = false;  ///< stored copies, since the running pass over the store began
};

}  // namespace keepmq::broker
