#pragma once
// How much of a collection goes into one request. What a write costs differs by a factor of a
// thousand between servers, and between collections of one that searches without an index; and a
// request whose answer did not come in time is still worked on when it is repeated. So requests are
// made as large as the server answers well within the time-out, beginning with small ones.

#include <chrono>
#include <cstddef>
#include <span>

#include "backends/mongo/command.hpp"

namespace keepmq::mongo {

/// Of one connection and collection; lives on the connection's thread.
class Pace {
  public:
    using Duration = std::chrono::steady_clock::duration;

    /// `patience`: how long an answer may take.
    explicit Pace(Duration patience) : wanted_{patience / 5} {}

    /// How many of these writes, from the first one on, the next request has. At least one.
    [[nodiscard]] std::size_t fit(std::span<const Write> writes) const;

    void answered(std::span<const Write> writes, Duration took);
    void timed_out(std::span<const Write> writes);

  private:
    static constexpr std::size_t first = 128;
    static constexpr std::size_t most = 1U << 16U;

    Duration wanted_;
    std::size_t limit_ = first;  ///< of the cost of a request; see cost_of
};

}  // namespace keepmq::mongo
