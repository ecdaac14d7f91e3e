#pragma once
// Private to the pool: what a person is told about it. One log line when the pool stops working,
// one when it works again, whatever number of connections and attempts are behind it.

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "store/errc.hpp"
#include "store/metrics.hpp"
#include "store/pool.hpp"

namespace keepmq::store {

/// Any thread.
class Health {
  public:
    Health(std::string pool, std::string durability, std::size_t links, const PoolStats& stats);

    void works(std::size_t link);

    /// `attempts` failed in a row. Being busy counts as a failure of the pool only from the third
    /// on.
    void fails(std::size_t link, const Failure& why, unsigned attempts);
    void note(const Failure& why);  ///< for last_error only
    void stopped();

    [[nodiscard]] PoolState state() const { return state_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::string last_error() const;

  private:
    void say_failure(const Failure& why);

    const std::string pool_;
    const std::string durability_;
    const PoolStats& stats_;
    std::atomic<PoolState> state_{PoolState::connecting};

    mutable std::mutex mutex_;  // the rest
    std::vector<bool> failing_;
    std::string last_error_;
    std::vector<std::string> said_;  // loud failures of this trouble: each is said once
    SteadyTime since_{};
};

}  // namespace keepmq::store
