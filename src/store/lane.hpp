#pragma once
// Private to the pool: one writer thread with its queue and its connection.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "store/barrier.hpp"
#include "store/core.hpp"
#include "store/link.hpp"

namespace keepmq::store {

/// A part of a lane's queue, at most max_batch long.
struct Chunk {
    struct Mark {
        std::size_t place;  // in front of this item
        BarrierPtr barrier;
    };
    std::vector<Item> items;
    std::vector<Mark> marks;
    BarrierPtr hold;  // nothing of it runs before this is complete
    Attempt attempt = Attempt::first;
};

/// The public functions are for any thread; the private ones that touch the link run on the lane's.
///
/// The queue is kept in chunks of at most max_batch. The lane takes the front chunk as it is for
/// its next batch, so the lock is held for a few pointers, never for the contents of a batch.
class Lane {
  public:
    /// `diverted`: from the start.
    Lane(PoolCore& core, std::size_t number, bool diverted);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// Takes the item, unless new writes are diverted: then nothing happens, and it is false.
    [[nodiscard]] bool submit(Item& item);
    /// The same for what comes back from a diversion.
    void resubmit(Item&& item);

    /// The item, and all that is submitted after it, waits until the barrier is complete. Diverted
    /// or not.
    void submit_after(BarrierPtr hold, Item&& item);

    /// `mark` arrives when everything submitted before it is settled; perhaps at once, here.
    void mark(const BarrierPtr& mark);

    void wake();

    // --- for the spool ---------------------------------------------------------------------------

    /// When the oldest write that is not settled was submitted.
    [[nodiscard]] std::optional<SteadyTime> oldest();
    /// From now on `submit` takes nothing. What waits is handed out; the batch under way goes on.
    [[nodiscard]] std::deque<Chunk> divert();
    void restore();
    /// Copies of what is under way. While the lane is diverted and nothing was resubmitted.
    [[nodiscard]] std::vector<Item> under_way();
    /// The items that `under_way` gave are in the spool, the first one as `first_row`. Those that
    /// were settled since are counted in the result and have had their outcomes; the others, the
    /// last ones, are counted as spooled, and their outcomes are up to the caller.
    [[nodiscard]] std::size_t adopt(std::size_t copied, std::uint64_t first_row);

    /// Nothing more is accepted; what waits is refused, or stays in the spool.
    void close();
    void join();

    [[nodiscard]] std::size_t depth() const { return depth_.load(std::memory_order_relaxed); }

  private:
    struct Range {
        std::size_t begin;
        std::size_t end;
        Attempt attempt;
    };

    void run();
    void open();
    bool take(Chunk& chunk);
    void leave_rest(Chunk& chunk);
    bool wait_for_work(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool has_work() const;
    void commit(std::span<const Item> items, Attempt attempt);
    std::optional<Failure> commit_range(std::span<const Item> items, Range& range);
    bool wait_until_open(std::span<const Item> items, Range& range);
    void refuse_expired(std::span<const Item> items, Range& range);
    std::optional<Failure> attempt(std::span<const Item> items, Attempt attempt);
    void settle_written(std::span<const Item> items);
    void bury(std::span<const Item> one, const Failure& why);
    bool keep_trying_to_bury(std::span<const Item> one);
    void settle(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure);
    void give_back(std::span<const Item> items);
    void refuse_all();

    void push(Item&& item);
    void add_chunk(BarrierPtr hold);
    void let_go(std::size_t count);

    PoolCore& core_;
    Link link_;
    std::atomic<std::size_t> depth_{0};
    std::atomic<bool> closed_{false};  // set with the lock held
    std::vector<const Op*> batch_;     // storage that is used again
    std::optional<Turn> turn_;         // until the batch was tried once
    SteadyTime last_burial_said_{};
    std::uint64_t burials_unsaid_ = 0;

    std::mutex mutex_;  // the rest
    std::condition_variable wake_;
    std::condition_variable finished_signal_;
    std::deque<Chunk> queue_;
    /// What is not settled of the batch; the spooler may look at it and write `row`. All other
    /// members of these items are read by the lane without the lock.
    std::span<Item> under_way_;
    std::vector<std::vector<Item>> spares_;
    bool diverted_;
    bool sleeping_ = false;
    bool busy_ = false;  // a batch is under way
    bool finished_ = false;

    std::thread thread_;  // last: starts when all else is there
};

}  // namespace keepmq::store
