#pragma once
// What the first 16 bytes of a payload say: when the message was due, who sent it, its number.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "load/clock.hpp"

namespace keepmq::load {

struct Stamp {
    Micros due = 0;
    std::uint32_t publisher = 0;  ///< less than 2^24
    std::uint64_t number = 0;     ///< of this publisher's messages, from 0; less than 2^40

    static constexpr std::size_t size = 16;

    friend bool operator==(const Stamp&, const Stamp&) = default;

    /// `to`: `size` bytes.
    void write(char* to) const {
        const std::uint64_t words[] = {mark | static_cast<std::uint64_t>(due),
                                       std::uint64_t{publisher} << 40U | number};
        std::memcpy(to, words, size);
    }
    /// Nothing if the message was not sent by `keepmq bench`.
    [[nodiscard]] static std::optional<Stamp> read(std::string_view payload) {
        std::uint64_t words[2];
        if (payload.size() < size)
            return std::nullopt;
        std::memcpy(words, payload.data(), size);
        if ((words[0] & mask) != mark)
            return std::nullopt;
        return Stamp{static_cast<Micros>(words[0] & ~mask),
                     static_cast<std::uint32_t>(words[1] >> 40U),
                     words[1] & ((std::uint64_t{1} << 40U) - 1)};
    }

  private:
    // 52 bits of microseconds last until the year 2112.
    static constexpr std::uint64_t mask = 0xFFFULL << 52U;
    static constexpr std::uint64_t mark = 0xB7AULL << 52U;
};

}  // namespace keepmq::load
