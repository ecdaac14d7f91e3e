#pragma once
// Values as bytes of a file of the broker, and back. What is read came from a disk and is not
// trusted.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/message_id.hpp"

namespace keepmq::bytes {

/// Numbers of fixed size are little-endian; lengths and counts take 7 bits a byte.
class Writer {
  public:
    void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    template <class Enum>
    requires std::is_enum_v<Enum>
    void choice(Enum value) { byte(static_cast<std::uint8_t>(value)); }
    void flag(bool value) { byte(value ? 1 : 0); }
    void fixed(std::uint64_t value) {
        std::array<char, sizeof(value)> low_first{};
        for (std::size_t i = 0; i < low_first.size(); ++i)
            low_first[i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
        out_.append(low_first.data(), low_first.size());
    }
    void signed_fixed(std::int64_t value) { fixed(static_cast<std::uint64_t>(value)); }
    void size(std::uint64_t value) {
        for (; value >= 0x80U; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
        byte(static_cast<std::uint8_t>(value));
    }
    void text(std::string_view value) {
        size(value.size());
        out_ += value;
    }
    template <class Tag>
    void text(const Named<Tag>& name) {
        text(name.view());
    }
    void time(WallTime value) { signed_fixed(value.time_since_epoch().count()); }
    void id(const MessageId& value) {
        fixed(value.high());
        fixed(value.low());
    }
    template <class T, class Write>
    void optional(const std::optional<T>& value, Write write) {
        flag(value.has_value());
        if (value)
            write(*value);
    }

    [[nodiscard]] std::size_t written() const { return out_.size(); }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

/// After the first thing that is not as it should be, all that is read is empty and `failed`.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_{bytes}, whole_{bytes.size()} {}

    std::uint8_t byte() {
        const std::string_view one = take(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
    }
    /// One of the values from `Enum{}` to `last`.
    template <class Enum>
    Enum choice(Enum last) {
        const std::uint8_t value = byte();
        if (value <= static_cast<std::uint8_t>(last))
            return static_cast<Enum>(value);
        refuse("unknown choice");
        return Enum{};
    }
    bool flag() {
        const std::uint8_t value = byte();
        if (value > 1)
            refuse("neither yes nor no");
        return value == 1;
    }
    std::uint64_t fixed() {
        std::uint64_t value = 0;
        const std::string_view bytes = take(8);
        for (std::size_t i = bytes.size(); i-- > 0;)
            value = (value << 8U) | static_cast<std::uint8_t>(bytes[i]);
        return value;
    }
    std::int64_t signed_fixed() { return static_cast<std::int64_t>(fixed()); }
    /// Of things that take at least one byte each, so it is never more than what is left.
    std::size_t size() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            value |= static_cast<std::uint64_t>(next & 0x7fU) << shift;
            if ((next & 0x80U) != 0)
                continue;
            if (value <= rest_.size())
                return static_cast<std::size_t>(value);
            refuse("cut off");
            return 0;
        }
        refuse("a length is too long");
        return 0;
    }
    std::string_view view() { return take(size()); }
    std::string text() { return std::string{view()}; }
    template <class Name>
    Name name() {
        return Name{view()};
    }
    WallTime time() { return WallTime{Micros{signed_fixed()}}; }
    MessageId id() {
        static const MessageId last = MessageId::parse("zzzzzzzzzzzzzzzzzzzz").value();
        const std::uint64_t high = fixed();
        const MessageId read{high, fixed()};
        if (read <= last)
            return read;
        refuse("no identifier is so large");
        return {};
    }
    template <class Read>
    auto optional(Read read) -> std::optional<decltype(read())> {
        if (!flag())
            return std::nullopt;
        return read();
    }
    void end() {
        if (!rest_.empty())
            refuse("more bytes than it has");
    }

    void refuse(std::string_view why) {
        if (why_.empty())
            why_ = std::string{why} + " at byte " + std::to_string(whole_ - rest_.size());
        rest_ = {};
    }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }
    [[nodiscard]] bool failed() const { return !why_.empty(); }
    [[nodiscard]] const std::string& why() const { return why_; }

  private:
    std::string_view take(std::size_t count) {
        if (count > rest_.size()) {
            refuse("cut off");
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    std::string_view rest_;
    std::size_t whole_;
    std::string why_;
};

}  // namespace keepmq::bytes
