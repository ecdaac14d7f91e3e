#pragma once
// Work of all shards for the pools of one plugin, kept until they may have it, in the order in
// which it came. Any thread.

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace keepmq::runtime {

class HeldWork {
  public:
    /// Runs it at once after `release`.
    void run_or_keep(std::function<void()> work) {
        std::unique_lock lock{mutex_};
        if (!released_) {
            work_.push_back(std::move(work));
            return;
        }
        lock.unlock();
        work();
    }

    /// Runs what was kept, and lets go what comes from now on.
    void release() {
        const std::lock_guard lock{mutex_};
        for (const auto& work : std::exchange(work_, {})) work();
        released_ = true;
    }

    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return work_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::function<void()>> work_;
    bool released_ = false;
};

}  // namespace keepmq::runtime
