#pragma once
// Figures of a report, in order: a JSON object without a JSON library in sight.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "load/latencies.hpp"

namespace keepmq::load {

class Figures {
  public:
    Figures& add(std::string_view name, std::integral auto value) {
        return add_raw(name, std::to_string(value));
    }
    Figures& add(std::string_view name, double value);
    Figures& add(std::string_view name, std::string_view text);
    Figures& add(std::string_view name, const char* text) {
        return add(name, std::string_view{text});
    }
    Figures& add(std::string_view name, const Figures& figures) {
        return add_raw(name, figures.json());
    }
    /// Microseconds.
    Figures& add(std::string_view name, const Latencies& latencies);

    [[nodiscard]] std::string json() const { return '{' + members_ + '}'; }

  private:
    Figures& add_raw(std::string_view name, std::string_view value);
    std::string members_;
};

// --- the same for a person

/// `1,234,567`
[[nodiscard]] std::string grouped(std::uint64_t number);
/// With so many digits behind the point.
[[nodiscard]] std::string rounded(double value, int digits);
/// `p50 0.21 ms, p99 1.20 ms, max 3.00 ms`
[[nodiscard]] std::string in_words(const Latencies& latencies);
[[nodiscard]] inline double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

}  // namespace keepmq::load
