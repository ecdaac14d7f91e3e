#pragma once
// Private to the pool: what its lanes and readers share.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/time.hpp"
#include "store/backend.hpp"
#include "store/health.hpp"
#include "store/metrics.hpp"
#include "store/pool.hpp"
#include "store/turns.hpp"

namespace keepmq::store {

class Spooler;

/// One submitted write.
struct Item {
    Op op;
    Order order{};
    RuleContext* rule = nullptr;
    CompletionSink* sink = nullptr;
    Token token = 0;
    SteadyTime submitted{};
    /// Its place in the spool. 0: it is not there, and its outcome is still to be told. While an
    /// item is in a lane, this is guarded by the lane's lock.
    std::uint64_t row = 0;
    Attempt attempt = Attempt::first;
};

/// Any thread.
struct PoolCore {
    PoolCore(PoolSettings of_pool, std::shared_ptr<const Backend> database, DeadLetters& letters);

    /// Counts the outcome of each item and hands all of them to their sinks, one call per sink.
    /// Sinks of items that are in the spool have theirs already; the spooler is told.
    void settle(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure);
    /// The two halves of `settle` for items that are not in the spool.
    void count(std::span<const Item> items, Fate fate);
    void tell(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure);
    /// At the end of the pool: what is not in the spool is refused, the rest stays there.
    void give_back(std::span<const Item> items, const Failure& failure);
    /// A row that an earlier process or pool left in the spool. `rule` may be null.
    void count_found(RuleContext* rule, std::uint64_t rows);
    /// Rows of the spool that are kept where a person can look at them.
    void count_unreadable(RuleContext* rule, std::uint64_t rows);

    /// Counts a failed attempt for the rules of these items.
    static void count_errors(std::span<const Item> items);

    /// A query was answered, refused or cancelled.
    void settle_query() { add_settled(settled_queries_, 1); }

    bool wait_until_all_settled(SteadyTime deadline);
    /// Somebody waits for the end.
    [[nodiscard]] bool is_draining() const { return drainers_.load() > 0; }

    const PoolSettings settings;
    const std::shared_ptr<const Backend> backend;
    DeadLetters& dead_letters;
    const std::string label;  ///< `sqlite pool1`
    PoolStats stats;
    Health health;
    Turns turns;                 ///< of lanes
    Spooler* spooler = nullptr;  ///< set before the first lane starts
    /// New writes go to the spool.
    std::atomic<bool> spooling{false};
    /// No spool takes what the database does not take: old writes are refused.
    std::atomic<bool> may_refuse{true};

  private:
    void settle_rows(std::span<const Item> items, Fate fate);
    void record_waits(std::span<const Item> items);
    void add_settled(std::atomic<std::uint64_t>& settled, std::uint64_t count);
    [[nodiscard]] bool is_all_settled() const;

    std::atomic<std::uint64_t> settled_writes_{0};
    std::atomic<std::uint64_t> settled_queries_{0};
    std::atomic<int> drainers_{0};
    std::mutex drain_mutex_;
    std::condition_variable drained_;
};

}  // namespace keepmq::store
