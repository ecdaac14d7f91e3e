#pragma once
// Latencies in microseconds, 1 % resolution, constant memory.

#include <algorithm>
#include <array>
#include <cstdint>

namespace keepmq::load {

class Latencies {
  public:
    void record(std::int64_t micros) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
        ++buckets_[index_of(value)];
        ++count_;
        max_ = std::max(max_, value);
    }
    [[nodiscard]] std::uint64_t quantile(double q) const {
        auto rest = static_cast<std::uint64_t>(q * static_cast<double>(count_));
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            if (buckets_[i] > rest)
                return value_of(i);
            rest -= buckets_[i];
        }
        return max_;
    }
    [[nodiscard]] std::uint64_t max() const { return max_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }

  private:
    static constexpr unsigned bits = 6;  // 64 steps in each power of two
    static std::size_t index_of(std::uint64_t value) {
        if (value < (1U << bits))
            return value;
        const unsigned power = 63U - static_cast<unsigned>(__builtin_clzll(value));
        const auto step = (value >> (power - bits)) & ((1U << bits) - 1);
        return std::min<std::size_t>(((power - bits + 1) << bits) + step, 40U << bits);
    }
    static std::uint64_t value_of(std::size_t index) {
        if (index < (1U << bits))
            return index;
        const auto power = (index >> bits) + bits - 1;
        const auto step = index & ((1U << bits) - 1);
        return (std::uint64_t{1} << power) + (static_cast<std::uint64_t>(step) << (power - bits));
    }
    std::array<std::uint64_t, (40U << bits) + 1> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace keepmq::load
