#pragma once
// A rule's topic filter, prepared so that the common shapes cost one comparison.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.hpp"

namespace keepmq::hooks {

class TopicMatch {
  public:
    /// No filter: everything, also topics that start with `$`.
    explicit TopicMatch(const std::optional<TopicFilter>& filter);

    [[nodiscard]] bool operator()(std::string_view topic) const {
        switch (shape_) {
            case Shape::everything:
                return true;
            case Shape::all_but_dollar:
                return topic.empty() || topic.front() != '$';
            default:
                return slow(topic);
        }
    }

  private:
    enum class Shape : std::uint8_t { everything, all_but_dollar, exact, subtree, general };
    [[nodiscard]] bool slow(std::string_view topic) const;

    Shape shape_ = Shape::everything;
    std::string text_;  ///< of a subtree `a/b/#`: `a/b`
};

}  // namespace keepmq::hooks
