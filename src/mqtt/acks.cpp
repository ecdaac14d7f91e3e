// PUBACK, PUBREC, PUBREL, PUBCOMP [MQTT 5.0, 3.4 to 3.7].

#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/reason_set.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt {
namespace wire {
namespace {

constexpr std::array received_reasons{
    // PUBACK, PUBREC
    ReasonCode::success,
    ReasonCode::no_matching_subscribers,
    ReasonCode::unspecified_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::not_authorized,
    ReasonCode::topic_name_invalid,
    ReasonCode::packet_identifier_in_use,
    ReasonCode::quota_exceeded,
    ReasonCode::payload_format_invalid,
};

constexpr std::array released_reasons{
    // PUBREL, PUBCOMP
    ReasonCode::success,
    ReasonCode::packet_identifier_not_found,
};

template <int Type>
void read_ack(Reader& in,
              ProtocolVersion version,
              std::span<const ReasonCode> reasons,
              Ack<Type>& packet) {
    packet.packet_id = in.packet_id();
    if (version != ProtocolVersion::v5 || in.at_end())
        return;
    packet.reason = read_reason(in, reasons);
    if (in.at_end())
        return;
    PropertyReader properties{in, allowed_in::acknowledgement};
    while (properties.next()) {
        if (properties.current() == Property::reason_string)
            packet.reason_string = in.text();
        else
            read_user_property(in, packet.user_properties);
    }
}

template <int Type>
void write_ack(const Ack<Type>& packet, unsigned flags, ProtocolVersion version, std::string& out) {
    constexpr auto type = static_cast<PacketType>(Type);
    const bool has_properties = packet.reason_string || !packet.user_properties.empty();
    const bool is_short =
        version != ProtocolVersion::v5 || (packet.reason == ReasonCode::success && !has_properties);
    if (is_short || !has_properties) {
        std::array<char, 5> bytes{};
        bytes[0] = static_cast<char>(first_byte(type, flags));
        bytes[1] = is_short ? 2 : 3;
        put_u16(bytes.data() + 2, packet.packet_id);
        bytes[4] = static_cast<char>(packet.reason);
        out.append(bytes.data(), is_short ? 4 : 5);
        return;
    }
    const Frame frame{out, first_byte(type, flags)};
    write_u16(out, packet.packet_id);
    write_u8(out, static_cast<unsigned>(packet.reason));
    const LengthPrefixed section{out};
    write_text(out, Property::reason_string, packet.reason_string);
    write_user_properties(out, packet.user_properties);
}

}  // namespace

void read_puback(Reader& in, ProtocolVersion version, Puback& packet) {
    read_ack(in, version, received_reasons, packet);
}
void read_pubrec(Reader& in, ProtocolVersion version, Pubrec& packet) {
    read_ack(in, version, received_reasons, packet);
}
void read_pubrel(Reader& in, ProtocolVersion version, Pubrel& packet) {
    read_ack(in, version, released_reasons, packet);
}
void read_pubcomp(Reader& in, ProtocolVersion version, Pubcomp& packet) {
    read_ack(in, version, released_reasons, packet);
}

}  // namespace wire

void encode(const Puback& packet, ProtocolVersion version, std::string& out) {
    wire::write_ack(packet, 0, version, out);
}
void encode(const Pubrec& packet, ProtocolVersion version, std::string& out) {
    wire::write_ack(packet, 0, version, out);
}
void encode(const Pubrel& packet, ProtocolVersion version, std::string& out) {
    wire::write_ack(packet, 0b0010, version, out);  // [MQTT-3.6.1-1]
}
void encode(const Pubcomp& packet, ProtocolVersion version, std::string& out) {
    wire::write_ack(packet, 0, version, out);
}

}  // namespace keepmq::mqtt
