#pragma once
// Private to the pool: how many of its lanes may be at the database at once when much waits.
//
// Batches of all lanes at once share the database's processors, and none of them is done sooner for
// it: they are only smaller, and more of them. While the others gather a batch has more rows and
// its fixed costs, and what transactions cost each other, are paid less often. So a load that does
// not need all of the database leaves some of it free, and what stops it for a moment is made up
// for soon. The more waits, the more lanes keep it busy, up to a number of them that the backend
// knows.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "store/metrics.hpp"

namespace keepmq::store {

/// Turns in the order in which they are asked for. Any thread.
class Turns {
  public:
    /// `writes`: those in the pool. `patience`: so long a lane waits at most, so that statements
    /// that hang, each in its lane, do not stop the others.
    Turns(std::size_t lanes,
          const Counter& writes,
          std::chrono::milliseconds patience = std::chrono::milliseconds{100})
        : lanes_{lanes}, writes_{writes}, patience_{patience}, waiting_(lanes) {}

    /// So many lanes, at least two, are at the database when much waits.
    void allow(std::size_t most) {
        const std::lock_guard lock{mutex_};
        most_ = std::max<std::size_t>(2, most);
    }

    /// With fewer writes in the pool than this a lane need not wait: then the time of a flush
    /// counts, which a database shares between the commits that come to it together.
    [[nodiscard]] bool are_needed() const { return lanes_ > most_ && writes_ > few * lanes_; }

    /// Nobody waits any more: who has a turn may be blocked at the database until it is
    /// interrupted.
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        for (auto& one : waiting_) one.notify_all();
    }

  private:
    friend class Turn;
    // Writes for each lane.
    static constexpr std::uint64_t few = 4;
    static constexpr std::uint64_t many = 64;

    void take() {
        std::unique_lock lock{mutex_};
        const std::uint64_t number = asked_++;
        admit();
        waiting_[number % lanes_].wait_for(
            lock, patience_, [&] { return closed_ || number < admitted_; });
    }
    void end() {
        const std::lock_guard lock{mutex_};
        ++ended_;
        admit();
    }
    /// With the lock held.
    void admit() {
        const auto at_once =
            std::clamp<std::uint64_t>(writes_ * most_ / (many * lanes_), 1, most_.load());
        for (; admitted_ < ended_ + at_once; ++admitted_) waiting_[admitted_ % lanes_].notify_all();
    }

    const std::uint64_t lanes_;
    const Counter& writes_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    bool closed_ = false;
    std::atomic<std::uint64_t> most_{2};  ///< written with the lock held
    std::uint64_t asked_ = 0;
    std::uint64_t admitted_ = 0;
    std::uint64_t ended_ = 0;
    std::vector<std::condition_variable> waiting_;  ///< one for each lane
};

/// One lane's turn, waited for and held.
class Turn {
  public:
    explicit Turn(Turns& turns) : turns_{turns} { turns_.take(); }
    ~Turn() { turns_.end(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    Turns& turns_;
};

}  // namespace keepmq::store
