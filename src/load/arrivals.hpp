#pragma once
// Waiting until each of some subscribers has everything.

#include <vector>

#include "load/bench.hpp"
#include "load/sequences.hpp"
#include "load/subscribers.hpp"

namespace keepmq::load {

/// Counts what comes to the members of a swarm from `first` on. Single thread.
class Arrivals {
  public:
    /// `expected`: for each of them. Messages that were due before `since` are not looked at.
    Arrivals(Swarm& swarm, std::size_t first, std::vector<Sequences> expected, Micros since);

    void on_frame(Member& member, const Frame& frame, Micros now) {
        now_ = now;
        subscribers_.on_frame(member, frame, now);
    }
    /// Until all is there, nothing came for `patience`, or all connections are lost.
    void wait(SwarmListener& listener, Bench& bench, Micros patience);

    /// Adds counts and times, which are from `begin` on.
    void report(BenchReport& report, Micros begin) const;
    [[nodiscard]] std::uint64_t received() const { return subscribers_.received(); }

  private:
    [[nodiscard]] bool is_complete() const { return complete_ == expected_.size(); }

    Swarm& swarm_;
    std::size_t first_;
    std::vector<Sequences> expected_;
    Subscribers subscribers_;
    std::size_t complete_ = 0;
    Micros now_ = 0;
    Micros first_came_ = 0;
    Micros last_came_ = 0;  ///< the last that was not there yet
};

}  // namespace keepmq::load
