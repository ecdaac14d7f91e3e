#pragma once
// Clients that receive, acknowledge and count.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "load/latencies.hpp"
#include "load/stamp.hpp"
#include "load/swarm.hpp"

namespace keepmq::load {

/// How many deliveries a message to each of `topics` causes among `filters`; the members of a
/// `$share` group count as one.
[[nodiscard]] std::vector<std::uint64_t> copies_of(std::span<const std::string> topics,
                                                   std::span<const std::string> filters);

/// Works on the members of a swarm that have a subscription. Single thread.
class Subscribers {
  public:
    /// Called for each message with a stamp, unless it is stale.
    using OnMessage = std::function<void(Member&, const Stamp&)>;

    /// `since`: a message that `keepmq bench` sent and that was due earlier is stale: retained, or
    /// stored in an earlier run.
    Subscribers(Swarm& swarm, Micros since, OnMessage on_message = {})
        : swarm_{swarm}, since_{since}, on_message_{std::move(on_message)} {}

    void on_frame(Member& member, const Frame& frame, Micros now);

    /// Without those that are stale.
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] std::uint64_t stale() const { return stale_; }
    /// Of messages that `keepmq bench` sent: from the moment they were due to their arrival.
    [[nodiscard]] Latencies& latencies() { return latencies_; }

  private:
    Swarm& swarm_;
    Micros since_;
    OnMessage on_message_;
    std::uint64_t received_ = 0;
    std::uint64_t stale_ = 0;
    Latencies latencies_;
};

}  // namespace keepmq::load
