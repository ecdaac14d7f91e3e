#pragma once
// Private to the pool: something that waits until every lane has come past a mark.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "store/pool.hpp"

namespace keepmq::store {

/// Counted down once by each lane that carries its mark. The last one runs `complete`, on its
/// thread.
class Barrier {
  public:
    /// `sink` and `token` are those of the query that waits, if it is one.
    Barrier(std::size_t lanes,
            std::function<void()> complete,
            const CompletionSink* sink = nullptr,
            Token token = 0)
        : remaining_{lanes}, complete_{std::move(complete)}, sink_{sink}, token_{token} {}

    void arrive() {
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            complete_();
    }
    [[nodiscard]] bool is_complete() const {
        return remaining_.load(std::memory_order_acquire) == 0;
    }

    [[nodiscard]] bool belongs_to(const CompletionSink& sink, Token token) const {
        return sink_ == &sink && token_ == token;
    }

  private:
    std::atomic<std::size_t> remaining_;
    std::function<void()> complete_;
    const CompletionSink* sink_;
    Token token_;
};

using BarrierPtr = std::shared_ptr<Barrier>;

}  // namespace keepmq::store
