#pragma once
// Private to the pool: how many of its lanes may be at the database at once when much waits.
//
// Batches of all lanes at once share the database's processors, and none of them is done sooner for
// it: they are only smaller, and more of them. With half of the lanes at the database the others
// gather, so a batch has twice the rows and its fixed costs, and what transactions cost each other,
// are paid half as often.

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace keepmq::store {

/// Turns in the order in which they are asked for. Any thread.
class Turns {
  public:
    explicit Turns(std::size_t lanes)
        : at_once_{std::max<std::size_t>(2, (lanes + 1) / 2)}, waiting_(lanes), lanes_{lanes} {}

    /// With fewer writes in the pool than this a lane need not wait: then the time of a flush
    /// counts, which a database shares between the commits that come to it together.
    [[nodiscard]] bool are_needed(std::uint64_t writes) const {
        return lanes_ > at_once_ && writes > few_for_each_lane * lanes_;
    }

    /// Nobody waits any more: who has a turn may be blocked at the database until it is
    /// interrupted.
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        for (auto& one : waiting_) one.notify_one();
    }

  private:
    friend class Turn;
    static constexpr std::uint64_t few_for_each_lane = 16;

    void take() {
        std::unique_lock lock{mutex_};
        const std::uint64_t number = asked_++;
        waiting_[number % lanes_].wait(lock, [&] { return closed_ || number < ended_ + at_once_; });
    }
    void end() {
        const std::lock_guard lock{mutex_};
        ++ended_;
        waiting_[(ended_ + at_once_ - 1) % lanes_].notify_one();
    }

    const std::uint64_t at_once_;
    std::mutex mutex_;
    bool closed_ = false;
    std::uint64_t asked_ = 0;
    std::uint64_t ended_ = 0;
    std::vector<std::condition_variable> waiting_;  ///< one for each lane, which has one turn
    const std::uint64_t lanes_;
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
