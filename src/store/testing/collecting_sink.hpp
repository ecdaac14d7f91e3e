#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "store/pool.hpp"

namespace keepmq::store::testing {

/// Keeps the outcomes and lets a test wait for them. Must outlive the pool that posts to it.
class CollectingSink final : public CompletionSink {
  public:
    void completed(std::vector<Completed>&& batch) override {
        const std::lock_guard lock{mutex_};
        posts_.push_back(batch.size());
        for (Completed& one : batch) all_.push_back(std::move(one));
        changed_.notify_all();
    }

    /// True when at least so many outcomes are there; false after a long time-out.
    [[nodiscard]] bool await(std::size_t count) const {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(
            lock, std::chrono::seconds{30}, [&] { return all_.size() >= count; });
    }
    [[nodiscard]] std::vector<Completed> all() const {
        const std::lock_guard lock{mutex_};
        return all_;
    }
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard lock{mutex_};
        return all_.size();
    }
    /// Number of outcomes of each call.
    [[nodiscard]] std::vector<std::size_t> posts() const {
        const std::lock_guard lock{mutex_};
        return posts_;
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Completed> all_;
    std::vector<std::size_t> posts_;
};

}  // namespace keepmq::store::testing
