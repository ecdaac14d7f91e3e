#pragma once
// Time for measurements: microseconds since 1970, from a clock that no adjustment moves back. Two
// processes on one machine agree, so that a subscriber can measure what another process sent.

#include <chrono>
#include <cstdint>

namespace keepmq::load {

using Micros = std::int64_t;

inline constexpr Micros second = 1'000'000;

[[nodiscard]] inline Micros now_micros() {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    const auto steady = [] {
        return duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch());
    };
    static const microseconds offset =
        duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()) - steady();
    return (steady() + offset).count();
}

[[nodiscard]] inline Micros to_micros(std::chrono::milliseconds time) {
    return std::chrono::microseconds{time}.count();
}

}  // namespace keepmq::load
