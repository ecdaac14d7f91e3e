#pragma once
// The PUBLISH properties of a message, and lists of numbers, as bytes of one column.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/message.hpp"

namespace keepmq::sessions {

/// Empty for null.
[[nodiscard]] std::string encode(const MessageProperties* properties);
/// Nothing for bytes that `encode` does not make.
[[nodiscard]] std::optional<std::unique_ptr<const MessageProperties>> decode_properties(
    std::string_view bytes);

[[nodiscard]] std::string encode(const std::vector<std::uint32_t>& numbers);
[[nodiscard]] std::optional<std::vector<std::uint32_t>> decode_numbers(std::string_view bytes);

}  // namespace keepmq::sessions
