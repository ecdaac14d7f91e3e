// UNSUBSCRIBE and UNSUBACK [MQTT 5.0, 3.10, 3.11; MQTT 3.1.1, 3.10, 3.11].

#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/reason_set.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {
namespace {

constexpr std::array unsuback_reasons{
    ReasonCode::success,
    ReasonCode::no_subscription_existed,
    ReasonCode::unspecified_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::not_authorized,
    ReasonCode::topic_filter_invalid,
    ReasonCode::packet_identifier_in_use,
};

std::string_view read_filter(Reader& in) {
    const auto subscribed = in.text();
    const auto shared = split_shared(subscribed);
    if (!in.failed() && (!shared.valid || !is_topic_filter(shared.filter)))
        in.fail(ReasonCode::topic_filter_invalid, "topic filter is not valid");
    return subscribed;
}

}  // namespace

void read_unsubscribe(Reader& in, ProtocolVersion version, Unsubscribe& packet) {
    packet.packet_id = in.packet_id();
    if (version == ProtocolVersion::v5) {
        PropertyReader properties{in, allowed_in::unsubscribe};
        while (properties.next()) read_user_property(in, packet.user_properties);
    }
    if (!in.failed() && in.at_end())  // [MQTT-3.10.3-2]
        in.fail(ReasonCode::protocol_error, "UNSUBSCRIBE has no topic filter");
    while (!in.at_end()) packet.filters.push_back(read_filter(in));
}

void write_packet(const Unsubscribe& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::unsubscribe, 0b0010)};
    write_u16(out, packet.packet_id);
    if (version == ProtocolVersion::v5) {
        const LengthPrefixed section{out};
        write_user_properties(out, packet.user_properties);
    }
    for (const auto filter : packet.filters) write_text(out, filter);
}

void read_unsuback(Reader& in, ProtocolVersion version, Unsuback& packet) {
    packet.packet_id = in.packet_id();
    if (version != ProtocolVersion::v5)
        return;
    PropertyReader properties{in, allowed_in::acknowledgement};
    while (properties.next()) {
        if (properties.current() == Property::reason_string)
            packet.reason_string = in.text();
        else
            read_user_property(in, packet.user_properties);
    }
    if (!in.failed() && in.at_end())
        in.fail(ReasonCode::protocol_error, "UNSUBACK has no reason code");
    while (!in.at_end()) packet.reasons.push_back(read_reason(in, unsuback_reasons));
}

void write_packet(const Unsuback& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::unsuback)};
    write_u16(out, packet.packet_id);
    if (version != ProtocolVersion::v5)
        return;
    {
        const LengthPrefixed section{out};
        write_text(out, Property::reason_string, packet.reason_string);
        write_user_properties(out, packet.user_properties);
    }
    for (const auto reason : packet.reasons) write_u8(out, static_cast<unsigned>(reason));
}

}  // namespace keepmq::mqtt::wire
