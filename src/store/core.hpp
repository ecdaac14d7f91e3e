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

namespace keepmq::store {

/// One submitted write.
struct Item {
    Op op;
    RuleContext* rule = nullptr;
    CompletionSink* sink = nullptr;
    Token token = 0;
    SteadyTime submitted{};
};

/// Any thread.
struct PoolCore {
    PoolCore(PoolSettings settings_,
             std::shared_ptr<const Backend> backend_,
             DeadLetters& dead_letters_);

    /// Counts the outcome of each item and hands all of them to their sinks, one call per sink.
    void settle(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure);

    /// Counts a failed attempt for the rules of these items.
    static void count_errors(std::span<const Item> items);

    /// A query was answered, refused or cancelled.
    void settle_query() { add_settled(1); }

    bool wait_until_all_settled(SteadyTime deadline);

    const PoolSettings settings;
    const std::shared_ptr<const Backend> backend;
    DeadLetters& dead_letters;
    const std::string label;  ///< `sqlite pool1`
    PoolStats stats;
    Health health;

  private:
    void count(std::span<const Item> items, Fate fate);
    void record_waits(std::span<const Item> items);
    void add_settled(std::uint64_t count);
    [[nodiscard]] bool is_all_settled() const;

    std::atomic<std::uint64_t> settled_{0};  // writes and queries
    std::atomic<int> drainers_{0};
    std::mutex drain_mutex_;
    std::condition_variable drained_;
};

}  // namespace keepmq::store
