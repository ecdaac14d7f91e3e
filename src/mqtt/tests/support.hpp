#pragma once
// Packets as text for the tests of the codec.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "mqtt/codec.hpp"

namespace keepmq::mqtt::testing {

inline constexpr auto v3_1 = ProtocolVersion::v3_1;
inline constexpr auto v3_1_1 = ProtocolVersion::v3_1_1;
inline constexpr auto v5 = ProtocolVersion::v5;

/// `10 0c 'MQTT' 04`: bytes in hexadecimal, spaces, and text in single quotes.
[[nodiscard]] std::string bytes(std::string_view text);

/// Where an encoded packet is in `wire`: it is what `encode` makes, `decode` reads it back, each
/// shorter beginning of it is incomplete, and a byte too many in it is refused.
void expect_wire(const Packet& packet,
                 ProtocolVersion version,
                 Sender sender,
                 std::string_view wire);

/// The same for a form that is accepted, but written in another way.
void expect_decoded(const Packet& packet,
                    ProtocolVersion version,
                    Sender sender,
                    std::string_view wire);

/// `wire` is refused with `reason`, and never asks for more bytes.
void expect_refused(ReasonCode reason,
                    ProtocolVersion version,
                    Sender sender,
                    std::string_view wire);

}  // namespace keepmq::mqtt::testing
