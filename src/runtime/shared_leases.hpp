#pragma once
// The leases of one-to-one rows that all shards of a node share. Any thread.

#include <atomic>
#include <mutex>

#include "broker/leases.hpp"

namespace keepmq::runtime {

class SharedLeases final : public broker::Leases {
  public:
    void begin() override { on_.store(true); }
    [[nodiscard]] bool on() const override { return on_.load(std::memory_order_relaxed); }

    void take(MessageId id) override {
        const std::lock_guard lock{mutex_};
        Leases::take(id);
    }
    [[nodiscard]] bool take_if_free(MessageId id) override {
        const std::lock_guard lock{mutex_};
        return Leases::take_if_free(id);
    }
    void give_back(MessageId id) override {
        const std::lock_guard lock{mutex_};
        Leases::give_back(id);
    }
    [[nodiscard]] bool is_leased(MessageId id) const override {
        const std::lock_guard lock{mutex_};
        return Leases::is_leased(id);
    }
    [[nodiscard]] std::size_t size() const override {
        const std::lock_guard lock{mutex_};
        return Leases::size();
    }

  private:
    mutable std::mutex mutex_;
    std::atomic<bool> on_{false};
};

}  // namespace keepmq::runtime
