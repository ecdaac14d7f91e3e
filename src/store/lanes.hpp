#pragma once
// Private to the pool: all its lanes, and the order across them.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "store/barrier.hpp"
#include "store/core.hpp"
#include "store/lane.hpp"

namespace keepmq::store {

/// A mark on its way to a lane.
struct QueuedMark {
    std::size_t lane;
    BarrierPtr barrier;
};

/// What waits in front of the lanes, in order.
using Entry = std::variant<Item, QueuedMark>;

/// Takes what the lanes do not take. Any thread.
class Diversion {
  public:
    /// False, and nothing was done: the lanes take it again.
    [[nodiscard]] virtual bool take(Item& item) = 0;
    /// While the lanes are frozen.
    virtual void take(QueuedMark mark) = 0;

  protected:
    ~Diversion() = default;
};

/// Any thread. Two states: new writes and marks go to the lanes, or to the diversion.
class Lanes {
  public:
    /// With a diversion it starts diverted. Lanes keep running until they are closed.
    Lanes(PoolCore& core, Diversion* diversion);

    void submit(Item&& item);
    /// Puts the barrier into the lane of the key, or into all with after_all. It arrives when all
    /// that was submitted before is settled.
    void mark(Order order, const BarrierPtr& barrier);
    /// Number of arrivals that `mark` causes.
    [[nodiscard]] std::size_t marks_of(Order order) const {
        return order.after_all ? lanes_.size() : 1;
    }

    // --- for the diversion -----------------------------------------------------------------------

    /// As long as it is held nothing is submitted to all lanes and nobody changes the state. To be
    /// taken before any lock of the diversion.
    using Frozen = std::unique_lock<std::mutex>;
    [[nodiscard]] Frozen freeze() { return Frozen{barrier_mutex_}; }
    /// Diverts. What waited in the lanes comes out in an order that is as good as that of
    /// submission: the same for each key, and after_all after all that was before it.
    [[nodiscard]] std::vector<Entry> divert(const Frozen& frozen);
    /// Ends the diversion: puts in what waits there, then takes all that is new.
    void restore(const Frozen& frozen, std::deque<Entry>&& waiting);
    /// Something that was diverted before, in its order.
    void resubmit(Item&& item);
    void pass(const QueuedMark& mark) { lanes_[mark.lane]->mark(mark.barrier); }

    [[nodiscard]] std::optional<SteadyTime> oldest() const;
    [[nodiscard]] std::span<const std::unique_ptr<Lane>> all() const { return lanes_; }

  private:
    [[nodiscard]] bool try_submit(Item& item);
    [[nodiscard]] bool is_for_all(const Item& item) const {
        return item.order.after_all && lanes_.size() > 1;
    }
    [[nodiscard]] Lane& lane_of(Order order) const { return *lanes_[order.key % lanes_.size()]; }
    void submit_after_all(Item&& item);

    Diversion* const diversion_;
    std::vector<std::unique_ptr<Lane>> lanes_;

    // Held while the marks of one barrier are put into the lanes, so that any two barriers stand in
    // the same order in every lane: lanes that hold for each other would wait for ever.
    std::mutex barrier_mutex_;
    bool diverted_;
};

}  // namespace keepmq::store
