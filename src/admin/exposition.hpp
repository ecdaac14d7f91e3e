#pragma once
// Writes the Prometheus text format 0.0.4.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "admin/figures.hpp"

namespace keepmq::admin {

class Exposition {
  public:
    using Label = std::pair<std::string_view, std::string_view>;

    /// Starts a metric; its samples follow.
    void metric(std::string_view name, Kind kind, std::string_view help);
    /// Labels with an empty value are left out.
    void sample(std::initializer_list<Label> labels, std::uint64_t value);
    void sample(std::initializer_list<Label> labels, double value);

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    void append_labels(std::initializer_list<Label> labels);

    std::string text_;
    std::string name_;
};

}  // namespace keepmq::admin
