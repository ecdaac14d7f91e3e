#pragma once
// Private to the pool: one writer thread with its queue and its connection.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "store/barrier.hpp"
#include "store/core.hpp"
#include "store/link.hpp"

namespace keepmq::store {

/// The public functions are for any thread; the private ones that touch the link run on the lane's.
///
/// The queue is kept in chunks of at most max_batch. The lane takes the front chunk as it is for
/// its next batch, so the lock is held for a few pointers, never for the contents of a batch.
class Lane {
  public:
    Lane(PoolCore& core, std::size_t number);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void submit(Op&& op, RuleContext* rule, CompletionSink* sink, Token token, SteadyTime now);

    /// The item, and all that is submitted after it, waits until the barrier is complete.
    void submit_after(BarrierPtr hold, Item&& item);

    /// `mark` arrives when everything submitted before it is settled; perhaps at once, here.
    void mark(const BarrierPtr& mark);

    void wake();

    /// Nothing more is accepted; what waits is refused.
    void close();
    void join();

    [[nodiscard]] std::size_t depth() const { return depth_.load(std::memory_order_relaxed); }

  private:
    struct Mark {
        std::size_t place;  // in front of this item
        BarrierPtr barrier;
    };
    struct Chunk {
        std::vector<Item> items;
        std::vector<Mark> marks;
        BarrierPtr hold;
    };
    struct Range {
        std::size_t begin;
        std::size_t end;
        Attempt attempt;
    };

    void run();
    bool take(Chunk& chunk);
    [[nodiscard]] bool has_work() const;
    void commit(std::span<const Item> items);
    std::optional<Failure> commit_range(std::span<const Item> items, Range& range);
    bool wait_until_open(std::span<const Item> items, Range& range);
    void refuse_expired(std::span<const Item> items, Range& range);
    std::optional<Failure> attempt(std::span<const Item> items, Attempt attempt);
    void settle_written(std::span<const Item> items);
    void bury(std::span<const Item> one, const Failure& why);
    void settle(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure);
    void refuse_all();

    Chunk& chunk_with_room();
    void add_chunk(BarrierPtr hold);

    PoolCore& core_;
    Link link_;
    std::atomic<std::size_t> depth_{0};
    std::atomic<bool> closed_{false};  // set with the lock held
    std::vector<const Op*> batch_;     // storage that is used again
    SteadyTime last_burial_said_{};
    std::uint64_t burials_unsaid_ = 0;

    std::mutex mutex_;  // the rest
    std::condition_variable wake_;
    std::condition_variable finished_signal_;
    std::deque<Chunk> queue_;
    std::vector<std::vector<Item>> spares_;
    bool sleeping_ = false;
    bool busy_ = true;  // a batch is under way
    bool finished_ = false;

    std::thread thread_;  // last: starts when all else is there
};

}  // namespace keepmq::store
