#pragma once
// Reads the primitive types of MQTT from one packet [MQTT 5.0, 1.5].
//
// The first failure sticks: it ends the input, later reads return empty values, and `failed` is
// asked once at the end. So a packet is read straight down, without a check after each field.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/topic.hpp"
#include "mqtt/reason_code.hpp"

namespace keepmq::mqtt::wire {

class Reader {
  public:
    explicit Reader(std::string_view bytes)
        : at_{bytes.data()}, end_{bytes.data() + bytes.size()} {}

    [[nodiscard]] bool failed() const { return reason_ != ReasonCode::success; }
    [[nodiscard]] ReasonCode reason() const { return reason_; }
    [[nodiscard]] std::string_view detail() const { return detail_; }
    [[nodiscard]] bool at_end() const { return at_ == end_; }
    [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    /// Only the first failure counts. `detail` must be a literal.
    void fail(ReasonCode reason, std::string_view detail) {
        if (failed())
            return;
        reason_ = reason;
        detail_ = detail;
        at_ = end_;
    }

    std::uint8_t u8() {
        if (!need(1))
            return 0;
        return static_cast<std::uint8_t>(*at_++);
    }

    std::uint16_t u16() {
        if (!need(2))
            return 0;
        const auto value = static_cast<std::uint16_t>((byte(0) << 8U) | byte(1));
        at_ += 2;
        return value;
    }

    std::uint32_t u32() {
        if (!need(4))
            return 0;
        const auto value = (byte(0) << 24U) | (byte(1) << 16U) | (byte(2) << 8U) | byte(3);
        at_ += 4;
        return value;
    }

    /// Variable Byte Integer in its shortest form [MQTT-1.5.5-1].
    std::uint32_t variable() {
        std::uint32_t value = 0;
        for (unsigned shift = 0; shift <= 21; shift += 7) {
            const std::uint32_t octet = u8();
            value |= (octet & 0x7FU) << shift;
            if ((octet & 0x80U) != 0)
                continue;
            if (octet == 0 && shift != 0)
                fail(ReasonCode::malformed_packet,
                     "variable byte integer is not in its shortest form");
            return value;
        }
        fail(ReasonCode::malformed_packet, "variable byte integer is longer than four bytes");
        return 0;
    }

    /// Packet Identifier, never 0 [MQTT-2.2.1-3].
    std::uint16_t packet_id() {
        const auto id = u16();
        if (id == 0)
            fail(ReasonCode::malformed_packet, "packet identifier is zero");
        return id;
    }

    std::string_view binary() { return take(u16()); }

    std::string_view text() {
        const auto value = binary();
        if (!is_mqtt_utf8(value))
            fail(ReasonCode::malformed_packet,
                 "string is not well-formed UTF-8 or contains U+0000");
        return value;
    }

    std::string_view take(std::size_t size) {
        if (!need(size))
            return {};
        const std::string_view value{at_, size};
        at_ += size;
        return value;
    }

    std::string_view take_rest() { return take(left()); }

    /// Ends the input `size` bytes from here until `widen` is called with the value returned.
    const char* narrow(std::size_t size) {
        const char* outer = end_;
        if (need(size))
            end_ = at_ + size;
        return outer;
    }

    void widen(const char* outer) {
        if (!failed())
            end_ = outer;
    }

  private:
    [[nodiscard]] std::uint32_t byte(std::size_t i) const {
        return static_cast<unsigned char>(at_[i]);
    }

    bool need(std::size_t size) {
        if (left() >= size) [[likely]]
            return true;
        fail(ReasonCode::malformed_packet, "packet ends within a field");
        return false;
    }

    const char* at_;
    const char* end_;
    ReasonCode reason_ = ReasonCode::success;
    std::string_view detail_;
};

}  // namespace keepmq::mqtt::wire
