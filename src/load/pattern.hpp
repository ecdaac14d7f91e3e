#pragma once
// Topics and filters with a number in them.

#include <cstdint>
#include <string>
#include <string_view>

namespace keepmq::load {

/// `text` with each `%i` (a client) or `%n` (a message), whatever `mark` says, as the number.
[[nodiscard]] inline std::string numbered(std::string_view text,
                                          std::string_view mark,
                                          std::uint64_t number) {
    std::string out{text};
    const auto digits = std::to_string(number);
    for (auto at = out.find(mark); at != std::string::npos; at = out.find(mark, at + digits.size()))
        out.replace(at, mark.size(), digits);
    return out;
}

}  // namespace keepmq::load
