#pragma once
// Which of several publishers' numbered messages have come to one subscriber.

#include <cstdint>
#include <vector>

#include "load/stamp.hpp"

namespace keepmq::load {

class Sequences {
  public:
    /// `sent`: messages of each publisher that have to come, numbered from 0.
    explicit Sequences(const std::vector<std::uint64_t>& sent);

    void came(const Stamp& stamp);

    [[nodiscard]] std::uint64_t expected() const { return expected_; }
    [[nodiscard]] std::uint64_t missing() const { return expected_ - distinct_; }
    /// Came before.
    [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
    /// Came after a later one of the same publisher, for the first time.
    [[nodiscard]] std::uint64_t out_of_order() const { return out_of_order_; }
    /// Of no publisher, or with a number that was not sent.
    [[nodiscard]] std::uint64_t unknown() const { return unknown_; }

  private:
    struct Publisher {
        std::vector<bool> seen;
        std::uint64_t next = 0;  ///< one more than the highest that came
    };
    std::vector<Publisher> publishers_;
    std::uint64_t expected_ = 0;
    std::uint64_t distinct_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t out_of_order_ = 0;
    std::uint64_t unknown_ = 0;
};

}  // namespace keepmq::load
