#pragma once
// Time is an argument: the core never asks a clock. `runtime` reads both clocks once per loop turn.

#include <chrono>

namespace keepmq {

using Micros = std::chrono::microseconds;

/// UTC, microseconds since the Unix epoch: what is stored and shown.
using WallTime = std::chrono::sys_time<Micros>;

/// Monotonic: what time-outs are measured with.
using SteadyTime = std::chrono::steady_clock::time_point;

/// One reading of both clocks.
struct Now {
    SteadyTime steady;
    WallTime wall;
};

[[nodiscard]] inline Now read_clocks() {
    return {std::chrono::steady_clock::now(),
            std::chrono::time_point_cast<Micros>(std::chrono::system_clock::now())};
}

}  // namespace keepmq
