#include "load/frame.hpp"

namespace keepmq::load {
namespace {

constexpr unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

/// Variable byte integer at `at`, which moves behind it. False: it does not end in `bytes` or in
/// four bytes.
bool read_length(std::string_view bytes, std::size_t& at, std::size_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 28 && at < bytes.size(); shift += 7) {
        const unsigned byte = byte_at(bytes, at++);
        value |= static_cast<std::size_t>(byte & 0x7FU) << shift;
        if (byte < 0x80U)
            return true;
    }
    return false;
}

mqtt::PacketId id_at(std::string_view bytes, std::size_t at) {
    return static_cast<mqtt::PacketId>(byte_at(bytes, at) << 8U | byte_at(bytes, at + 1));
}

bool read_publish(std::string_view body, mqtt::ProtocolVersion version, Frame& frame) {
    if (body.size() < 2)
        return false;
    std::size_t at = 2 + std::size_t{id_at(body, 0)};
    const std::size_t id_size = frame.qos == Qos::at_most_once ? 0 : 2;
    if (at + id_size > body.size())
        return false;
    frame.topic = body.substr(2, at - 2);
    if (id_size > 0)
        frame.packet_id = id_at(body, at);
    at += id_size;
    if (version == mqtt::ProtocolVersion::v5) {
        std::size_t properties = 0;
        if (!read_length(body, at, properties) || properties > body.size() - at)
            return false;
        at += properties;
    }
    frame.payload = body.substr(at);
    return true;
}

bool read_body(std::string_view body, unsigned flags, mqtt::ProtocolVersion version, Frame& frame) {
    switch (frame.type) {
        case FrameType::publish:
            frame.qos = static_cast<Qos>((flags >> 1U) & 3U);
            return frame.qos <= Qos::exactly_once && read_publish(body, version, frame);
        case FrameType::puback:
        case FrameType::pubrec:
        case FrameType::pubrel:
        case FrameType::pubcomp:
            if (body.size() < 2)
                return false;
            frame.packet_id = id_at(body, 0);
            frame.reason =
                static_cast<mqtt::ReasonCode>(body.size() > 2 ? byte_at(body, 2) : std::size_t{0});
            return true;
        case FrameType::connack:
        case FrameType::suback:
        case FrameType::unsuback:
        case FrameType::pingresp:
        case FrameType::disconnect:
        case FrameType::auth:
            return true;
    }
    return false;
}

}  // namespace

Framing read_frame(std::string_view bytes, mqtt::ProtocolVersion version, Frame& frame) {
    if (bytes.size() < 2)
        return Framing::incomplete;
    std::size_t at = 1;
    std::size_t size = 0;
    if (!read_length(bytes, at, size))
        return at < 5 ? Framing::incomplete : Framing::illegal;
    if (bytes.size() - at < size)
        return Framing::incomplete;
    frame.type = static_cast<FrameType>(byte_at(bytes, 0) >> 4U);
    frame.bytes = bytes.substr(0, at + size);
    const bool legal = read_body(bytes.substr(at, size), byte_at(bytes, 0), version, frame);
    return legal ? Framing::complete : Framing::illegal;
}

void append_ack(FrameType type, mqtt::PacketId packet_id, std::string& out) {
    const unsigned flags = type == FrameType::pubrel ? 2 : 0;  // [MQTT-3.6.1-1]
    const char bytes[] = {static_cast<char>(static_cast<unsigned>(type) << 4U | flags),
                          2,
                          static_cast<char>(packet_id >> 8U),
                          static_cast<char>(packet_id & 0xFFU)};
    out.append(bytes, sizeof bytes);
}

}  // namespace keepmq::load
