#pragma once
// A part of a run: publish all, or for a while, and wait for the answers.

#include "load/bench.hpp"
#include "load/publishers.hpp"

namespace keepmq::load {

struct Burst {
    double seconds = 0;              ///< of publishing; with a limit until the last answer
    std::uint64_t acknowledged = 0;  ///< in these
    std::uint64_t unanswered = 0;    ///< at the very end
};

/// `end`: `Publishers::never` when the plan has a limit. Ends early when the broker is silent for
/// 10 s.
[[nodiscard]] Burst publish_all(
    Swarm& swarm, Publishers& publishers, SwarmListener& listener, Bench& bench, Micros end);

}  // namespace keepmq::load
