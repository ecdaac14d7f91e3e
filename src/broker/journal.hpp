#pragma once
// The changes that are on their way to the disk, by number: the first one is 1. Off until the
// broker is told that somebody makes them durable; then nothing is appended and nothing waits.
// Shard-local.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/changes.hpp"

namespace keepmq::broker {

class Journal {
  public:
    void begin() { on_ = true; }
    [[nodiscard]] bool on() const { return on_; }

    /// Precondition: on.
    template <class T>
    void add(T&& change) {
        changes_.emplace_back(std::forward<T>(change));
        ++made_;
    }
    [[nodiscard]] std::uint64_t made() const { return made_; }
    [[nodiscard]] std::uint64_t committed() const { return committed_; }
    [[nodiscard]] bool is_pending() const { return made_ > committed_; }
    void on_committed(std::uint64_t number) { committed_ = std::max(committed_, number); }
    /// Swaps with an empty vector of the caller.
    void swap(std::vector<Change>& into) { changes_.swap(into); }

    /// Shards of one node number in turn: this one is the `index`th of `count`.
    void number_as(std::size_t index, std::size_t count) {
        index_ = index;
        count_ = count;
    }
    [[nodiscard]] std::uint64_t next_session() { return sessions_ = after(sessions_); }
    [[nodiscard]] std::uint64_t next_delivery() { return deliveries_ = after(deliveries_); }
    /// Numbers of an earlier run are not given again.
    void used_session(std::uint64_t number) { sessions_ = std::max(sessions_, number); }
    void used_delivery(std::uint64_t number) { deliveries_ = std::max(deliveries_, number); }

  private:
    [[nodiscard]] std::uint64_t after(std::uint64_t number) const {
        ++number;
        return number + (index_ + count_ - number % count_) % count_;
    }

    std::vector<Change> changes_;
    std::size_t index_ = 0;
    std::size_t count_ = 1;
    std::uint64_t made_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t sessions_ = 0;
    std::uint64_t deliveries_ = 0;
    bool on_ = false;
};

}  // namespace keepmq::broker
