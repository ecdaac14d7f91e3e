// DISCONNECT and AUTH [MQTT 5.0, 3.14, 3.15; MQTT 3.1.1, 3.14].

#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/reason_set.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {
namespace {

constexpr std::array sent_by_client{
    ReasonCode::success,
    ReasonCode::disconnect_with_will_message,
    ReasonCode::unspecified_error,
    ReasonCode::malformed_packet,
    ReasonCode::protocol_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::topic_name_invalid,
    ReasonCode::receive_maximum_exceeded,
    ReasonCode::topic_alias_invalid,
    ReasonCode::packet_too_large,
    ReasonCode::message_rate_too_high,
    ReasonCode::quota_exceeded,
    ReasonCode::administrative_action,
    ReasonCode::payload_format_invalid,
};

constexpr std::array sent_by_server{
    ReasonCode::success,
    ReasonCode::unspecified_error,
    ReasonCode::malformed_packet,
    ReasonCode::protocol_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::not_authorized,
    ReasonCode::server_busy,
    ReasonCode::server_shutting_down,
    ReasonCode::bad_authentication_method,
    ReasonCode::keep_alive_timeout,
    ReasonCode::session_taken_over,
    ReasonCode::topic_filter_invalid,
    ReasonCode::topic_name_invalid,
    ReasonCode::receive_maximum_exceeded,
    ReasonCode::topic_alias_invalid,
    ReasonCode::packet_too_large,
    ReasonCode::message_rate_too_high,
    ReasonCode::quota_exceeded,
    ReasonCode::administrative_action,
    ReasonCode::payload_format_invalid,
    ReasonCode::retain_not_supported,
    ReasonCode::qos_not_supported,
    ReasonCode::use_another_server,
    ReasonCode::server_moved,
    ReasonCode::shared_subscriptions_not_supported,
    ReasonCode::connection_rate_exceeded,
    ReasonCode::maximum_connect_time,
    ReasonCode::subscription_identifiers_not_supported,
    ReasonCode::wildcard_subscriptions_not_supported,
};

constexpr std::array auth_reasons{
    ReasonCode::success,
    ReasonCode::continue_authentication,
    ReasonCode::reauthenticate,
};

std::span<const ReasonCode> disconnect_reasons(Sender sender) {
    if (sender == Sender::client)
        return sent_by_client;
    return sent_by_server;
}

void read_disconnect_property(Property property, Reader& in, Sender sender, Disconnect& packet) {
    switch (property) {
        case Property::session_expiry_interval:
            if (sender == Sender::server)  // [MQTT-3.14.2-2]
                in.fail(ReasonCode::protocol_error, "session expiry interval sent by a server");
            packet.session_expiry_interval = in.u32();
            break;
        case Property::reason_string:
            packet.reason_string = in.text();
            break;
        case Property::server_reference:
            if (sender == Sender::client)
                in.fail(ReasonCode::protocol_error, "server reference sent by a client");
            packet.server_reference = in.text();
            break;
        default:
            read_user_property(in, packet.user_properties);
    }
}

}  // namespace

void read_disconnect(Reader& in, const DecodeOptions& options, Disconnect& packet) {
    if (options.version != ProtocolVersion::v5 || in.at_end())
        return;
    packet.reason = read_reason(in, disconnect_reasons(options.sender));  // [MQTT-3.14.2-1]
    if (in.at_end())
        return;
    PropertyReader properties{in, allowed_in::disconnect};
    while (properties.next())
        read_disconnect_property(properties.current(), in, options.sender, packet);
}

void write_packet(const Disconnect& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::disconnect)};
    const bool has_properties = packet.session_expiry_interval || packet.reason_string ||
                                packet.server_reference || !packet.user_properties.empty();
    if (version != ProtocolVersion::v5 || (packet.reason == ReasonCode::success && !has_properties))
        return;
    write_u8(out, static_cast<unsigned>(packet.reason));
    if (!has_properties)
        return;
    const LengthPrefixed section{out};
    write_u32(out, Property::session_expiry_interval, packet.session_expiry_interval);
    write_text(out, Property::reason_string, packet.reason_string);
    write_text(out, Property::server_reference, packet.server_reference);
    write_user_properties(out, packet.user_properties);
}

void read_auth(Reader& in, Auth& packet) {
    if (in.at_end())
        return;                                     // success without properties
    packet.reason = read_reason(in, auth_reasons);  // [MQTT-3.15.2-1]
    PropertyReader properties{in, allowed_in::auth};
    while (properties.next()) {
        switch (properties.current()) {
            case Property::authentication_method:
                packet.authentication_method = in.text();
                break;
            case Property::authentication_data:
                packet.authentication_data = in.binary();
                break;
            case Property::reason_string:
                packet.reason_string = in.text();
                break;
            default:
                read_user_property(in, packet.user_properties);
        }
    }
    if (!packet.authentication_method)
        in.fail(ReasonCode::protocol_error, "AUTH without an authentication method");
}

void write_packet(const Auth& packet, ProtocolVersion version, std::string& out) {
    if (version != ProtocolVersion::v5)
        return;  // 3.x has no AUTH
    const Frame frame{out, first_byte(PacketType::auth)};
    const bool has_properties = packet.authentication_method || packet.authentication_data ||
                                packet.reason_string || !packet.user_properties.empty();
    if (packet.reason == ReasonCode::success && !has_properties)
        return;
    write_u8(out, static_cast<unsigned>(packet.reason));
    const LengthPrefixed section{out};
    write_text(out, Property::authentication_method, packet.authentication_method);
    write_text(out, Property::authentication_data, packet.authentication_data);
    write_text(out, Property::reason_string, packet.reason_string);
    write_user_properties(out, packet.user_properties);
}

}  // namespace keepmq::mqtt::wire
