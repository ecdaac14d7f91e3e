#pragma once
// Private to the pool: something that waits until every lane has come past a mark.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

namespace keepmq::store {

/// Counted down once by each lane that carries its mark. The last one runs `complete`, on its
/// thread.
class Barrier {
  public:
    Barrier(std::size_t lanes, std::function<void()> complete)
        : remaining_{lanes}, complete_{std::move(complete)} {}

    void arrive() {
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            complete_();
    }
    [[nodiscard]] bool is_complete() const {
        return remaining_.load(std::memory_order_acquire) == 0;
    }

  private:
    std::atomic<std::size_t> remaining_;
    std::function<void()> complete_;
};

using BarrierPtr = std::shared_ptr<Barrier>;

}  // namespace keepmq::store
