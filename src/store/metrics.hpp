#pragma once
// Counters of pools and rules. Written by lanes and shards, read by the admin interface: any
// thread.
//
// Conservation law, per pool and per rule: accepted = committed + spooled + dead_lettered + refused
// + waiting. What the spool holds when a pool starts counts as accepted by it.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace keepmq::store {

using Counter = std::atomic<std::uint64_t>;

/// Histogram over powers of two: bucket i counts values in [2^(i-1), 2^i); unit as documented at
/// use.
class Histogram {
  public:
    static constexpr std::size_t buckets = 32;
    void record(std::uint64_t value, std::uint64_t times = 1);
    /// Upper bound of the bucket that holds the given quantile (0..1) of what was recorded.
    [[nodiscard]] std::uint64_t quantile(double q) const;
    [[nodiscard]] std::uint64_t count() const;
    [[nodiscard]] std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

  private:
    std::array<Counter, buckets> counts_{};
    Counter sum_{0};
};

struct RuleStats {
    Counter hits{0};  ///< events that matched
    Counter not_applicable{
        0};  ///< matched, but the function does not want it (QoS 0 for a QoS>0 store)
    Counter accepted{0};
    Counter committed{0};
    Counter dead_lettered{0};
    Counter refused{0};
    Counter spooled{0};  ///< gauge: writes in the spool, acknowledged and not yet in the database
    Counter errors{0};   ///< failed attempts, also those that were repeated with success
};

struct PoolStats {
    Counter accepted{0};
    Counter committed{0};
    Counter dead_lettered{0};
    Counter refused{0};
    Counter spooled{0};  ///< gauge: writes in the spool, also those that are on their way from it
    Counter retries{0};
    Counter batches{0};
    Counter queries{0};
    Counter query_errors{0};
    Counter queued{0};  ///< gauge: writes waiting or under way that are not in the spool
    Histogram batch_size;
    Histogram commit_micros;  ///< one batch at the database
    Histogram wait_micros;    ///< from submission to outcome
};

}  // namespace keepmq::store
