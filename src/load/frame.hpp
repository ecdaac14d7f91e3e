#pragma once
// Packets from a broker as a load generator needs them, millions each second: only the fields that
// count, without a check of the rest. What is rare (CONNACK, SUBACK, DISCONNECT) is decoded by
// `mqtt::decode` from `Frame::bytes`.

#include <cstdint>
#include <string>
#include <string_view>

#include "mqtt/packets.hpp"

namespace keepmq::load {

enum class FrameType : std::uint8_t {
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    suback = 9,
    unsuback = 11,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

/// Views point into the bytes that were read.
struct Frame {
    FrameType type{};
    Qos qos = Qos::at_most_once;   ///< PUBLISH
    mqtt::PacketId packet_id = 0;  ///< PUBLISH with QoS 1 or 2, PUBACK to PUBCOMP
    mqtt::ReasonCode reason = mqtt::ReasonCode::success;  ///< PUBACK to PUBCOMP
    std::string_view topic;                               ///< PUBLISH
    std::string_view payload;                             ///< PUBLISH
    std::string_view bytes;                               ///< all of it
};

enum class Framing : std::uint8_t { complete, incomplete, illegal };

/// The first packet in `bytes`.
[[nodiscard]] Framing read_frame(std::string_view bytes,
                                 mqtt::ProtocolVersion version,
                                 Frame& frame);

/// Appends a PUBACK, PUBREC, PUBREL or PUBCOMP without a reason.
void append_ack(FrameType type, mqtt::PacketId packet_id, std::string& out);

}  // namespace keepmq::load
