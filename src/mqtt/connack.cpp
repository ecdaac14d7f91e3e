// CONNACK [MQTT 5.0, 3.2; MQTT 3.1.1, 3.2].

#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/reason_set.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {
namespace {

constexpr std::array connack_reasons{
    ReasonCode::success,
    ReasonCode::unspecified_error,
    ReasonCode::malformed_packet,
    ReasonCode::protocol_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::unsupported_protocol_version,
    ReasonCode::client_identifier_not_valid,
    ReasonCode::bad_user_name_or_password,
    ReasonCode::not_authorized,
    ReasonCode::server_unavailable,
    ReasonCode::server_busy,
    ReasonCode::banned,
    ReasonCode::bad_authentication_method,
    ReasonCode::topic_name_invalid,
    ReasonCode::packet_too_large,
    ReasonCode::quota_exceeded,
    ReasonCode::payload_format_invalid,
    ReasonCode::retain_not_supported,
    ReasonCode::qos_not_supported,
    ReasonCode::use_another_server,
    ReasonCode::server_moved,
    ReasonCode::connection_rate_exceeded,
};

/// What the return codes 0 to 5 of 3.x mean, in order.
constexpr std::array return_codes{
    ReasonCode::success,
    ReasonCode::unsupported_protocol_version,
    ReasonCode::client_identifier_not_valid,
    ReasonCode::server_unavailable,
    ReasonCode::bad_user_name_or_password,
    ReasonCode::not_authorized,
};

unsigned return_code(ReasonCode reason) {
    switch (reason) {
        case ReasonCode::success:
            return 0;
        case ReasonCode::unsupported_protocol_version:
            return 1;
        case ReasonCode::client_identifier_not_valid:
            return 2;
        case ReasonCode::bad_user_name_or_password:
            return 4;
        case ReasonCode::not_authorized:
        case ReasonCode::banned:
        case ReasonCode::bad_authentication_method:
            return 5;
        default:
            return 3;  // the nearest to "not now, not here"
    }
}

Qos read_maximum_qos(Reader& in) {
    return read_flag(in) ? Qos::at_least_once : Qos::at_most_once;
}

/// Reads a limit or a feature of the server; false if `property` is neither.
bool read_capability(Property property, Reader& in, Connack& packet) {
    switch (property) {
        case Property::receive_maximum:
            packet.receive_maximum = read_nonzero_u16(in);
            return true;
        case Property::maximum_qos:
            packet.maximum_qos = read_maximum_qos(in);
            return true;
        case Property::retain_available:
            packet.retain_available = read_flag(in);
            return true;
        case Property::maximum_packet_size:
            packet.maximum_packet_size = read_nonzero_u32(in);
            return true;
        case Property::topic_alias_maximum:
            packet.topic_alias_maximum = in.u16();
            return true;
        case Property::wildcard_subscription_available:
            packet.wildcard_subscription_available = read_flag(in);
            return true;
        case Property::subscription_identifier_available:
            packet.subscription_identifier_available = read_flag(in);
            return true;
        case Property::shared_subscription_available:
            packet.shared_subscription_available = read_flag(in);
            return true;
        default:
            return false;
    }
}

void read_property(Property property, Reader& in, Connack& packet) {
    if (read_capability(property, in, packet))
        return;
    switch (property) {
        case Property::session_expiry_interval:
            packet.session_expiry_interval = in.u32();
            break;
        case Property::assigned_client_identifier:
            packet.assigned_client_identifier = in.text();
            break;
        case Property::reason_string:
            packet.reason_string = in.text();
            break;
        case Property::server_keep_alive:
            packet.server_keep_alive = in.u16();
            break;
        case Property::response_information:
            packet.response_information = in.text();
            break;
        case Property::server_reference:
            packet.server_reference = in.text();
            break;
        case Property::authentication_method:
            packet.authentication_method = in.text();
            break;
        case Property::authentication_data:
            packet.authentication_data = in.binary();
            break;
        default:
            read_user_property(in, packet.user_properties);
    }
}

void write_properties(const Connack& packet, std::string& out) {
    const LengthPrefixed section{out};
    write_u32(out, Property::session_expiry_interval, packet.session_expiry_interval);
    write_u16(out, Property::receive_maximum, packet.receive_maximum);
    if (packet.maximum_qos &&
        *packet.maximum_qos != Qos::exactly_once)  // 2 has no value on the wire
        write_flag(out, Property::maximum_qos, *packet.maximum_qos == Qos::at_least_once);
    write_flag(out, Property::retain_available, packet.retain_available);
    write_u32(out, Property::maximum_packet_size, packet.maximum_packet_size);
    write_text(out, Property::assigned_client_identifier, packet.assigned_client_identifier);
    write_u16(out, Property::topic_alias_maximum, packet.topic_alias_maximum);
    write_text(out, Property::reason_string, packet.reason_string);
    write_flag(
        out, Property::wildcard_subscription_available, packet.wildcard_subscription_available);
    write_flag(
        out, Property::subscription_identifier_available, packet.subscription_identifier_available);
    write_flag(out, Property::shared_subscription_available, packet.shared_subscription_available);
    write_u16(out, Property::server_keep_alive, packet.server_keep_alive);
    write_text(out, Property::response_information, packet.response_information);
    write_text(out, Property::server_reference, packet.server_reference);
    write_text(out, Property::authentication_method, packet.authentication_method);
    write_text(out, Property::authentication_data, packet.authentication_data);
    write_user_properties(out, packet.user_properties);
}

ReasonCode read_return_code(Reader& in) {
    const auto code = in.u8();
    if (code < return_codes.size())
        return return_codes[code];
    in.fail(ReasonCode::protocol_error, "CONNACK return code is reserved");
    return ReasonCode::unspecified_error;
}

}  // namespace

void read_connack(Reader& in, ProtocolVersion version, Connack& packet) {
    const auto flags = in.u8();
    if (version !=
        ProtocolVersion::v3_1) {  // 3.1 has no Session Present and does not define the byte
        packet.session_present = flags == 1;
        if (flags > 1)  // [MQTT-3.2.2-1]
            in.fail(ReasonCode::malformed_packet, "reserved CONNACK flag is set");
    }
    packet.reason =
        version == ProtocolVersion::v5 ? read_reason(in, connack_reasons) : read_return_code(in);
    if (packet.session_present && packet.reason != ReasonCode::success)  // [MQTT-3.2.2-6]
        in.fail(ReasonCode::protocol_error, "session present in a CONNACK that refuses");
    if (version != ProtocolVersion::v5)
        return;
    PropertyReader properties{in, allowed_in::connack};
    while (properties.next()) read_property(properties.current(), in, packet);
}

void write_packet(const Connack& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::connack)};
    const bool present = packet.session_present && packet.reason == ReasonCode::success &&
                         version != ProtocolVersion::v3_1;
    write_u8(out, present ? 1 : 0);
    if (version != ProtocolVersion::v5) {
        write_u8(out, return_code(packet.reason));
        return;
    }
    write_u8(out, static_cast<unsigned>(packet.reason));
    write_properties(packet, out);
}

}  // namespace keepmq::mqtt::wire
