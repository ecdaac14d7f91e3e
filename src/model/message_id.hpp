#pragma once
// Message identifiers: 128 bits, time first, so that byte order is arrival order.
//
//   64 bits  microseconds since the Unix epoch
//   48 bits  node
//   16 bits  sequence within one microsecond
//
// Text form: 20 characters of base 62 (digits 0-9A-Za-z), left-padded; sorts like the number. Only
// identifiers below 62^20 have one. 62^20 is a little more than 2^119, so every time below 2^55
// microseconds (the year 3111) fits, whatever the low half is.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace keepmq {

class MessageId {
  public:
    static constexpr std::size_t text_size = 20;

    MessageId() = default;
    /// `micros` below 2^55, or the identifier has no text form.
    constexpr MessageId(std::uint64_t micros, std::uint64_t node_and_sequence)
        : high_{micros}, low_{node_and_sequence} {}

    /// Reads the 20-character form; nothing for any other text. Every text of that form is an
    /// identifier, and `to_string` gives it back.
    [[nodiscard]] static std::optional<MessageId> parse(std::string_view text);

    /// Precondition: below 62^20, as is all that `parse` gives or MessageIdSource mints today.
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] WallTime time() const {
        return WallTime{Micros{static_cast<std::int64_t>(high_)}};
    }
    [[nodiscard]] std::uint64_t high() const { return high_; }
    [[nodiscard]] std::uint64_t low() const { return low_; }
    [[nodiscard]] bool is_null() const { return high_ == 0 && low_ == 0; }

    friend constexpr auto operator<=>(const MessageId&, const MessageId&) = default;

  private:
    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
};

/// Mints strictly increasing identifiers for one shard, also when the clock steps back.
/// Shard-local. `floor` carries the newest identifier time of the previous run, so that a restart
/// after a clock step does not go back either.
class MessageIdSource {
  public:
    /// `node` uses its low 48 bits and must differ between brokers on one database and between
    /// shards.
    explicit MessageIdSource(std::uint64_t node, WallTime floor = {});

    [[nodiscard]] MessageId next(WallTime now);
    /// The time in the newest identifier; the floor while there is none.
    [[nodiscard]] WallTime newest() const {
        return WallTime{Micros{static_cast<std::int64_t>(micros_)}};
    }

  private:
    std::uint64_t node_;
    std::uint64_t micros_;
    std::uint32_t sequence_ = 0;
};

}  // namespace keepmq

template <>
struct std::hash<keepmq::MessageId> {
    std::size_t operator()(const keepmq::MessageId& id) const {
        return static_cast<std::size_t>(id.high() * 0x9E3779B97F4A7C15ULL ^
                                        (id.low() * 0xC2B2AE3D27D4EB4FULL));
    }
};
