// CONNECT [MQTT 5.0, 3.1; MQTT 3.1.1, 3.1].

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {
namespace {

constexpr std::uint32_t never = 0xFFFFFFFF;

enum ConnectFlag : unsigned {
    flag_reserved = 0x01,
    flag_clean_start = 0x02,
    flag_will = 0x04,
    flag_will_qos = 0x18,
    flag_will_retain = 0x20,
    flag_password = 0x40,
    flag_username = 0x80,
};
constexpr unsigned will_qos_shift = 3;

/// Sets the version to answer in even if the one asked for is not supported.
void read_version(Reader& in, Connect& packet) {
    packet.version = ProtocolVersion::v3_1_1;
    const auto name = in.text();
    const auto level = in.u8();
    if (in.failed())
        return;
    if (name == "MQTT" && level == 5)
        packet.version = ProtocolVersion::v5;
    else if (name == "MQTT" && level == 4)
        packet.version = ProtocolVersion::v3_1_1;
    else if (name == "MQIsdp" && level == 3)
        packet.version = ProtocolVersion::v3_1;
    else {
        // [MQTT-3.1.2-1, MQTT-3.1.2-2]
        if (name == "MQTT" && level > 5)
            packet.version = ProtocolVersion::v5;
        in.fail(ReasonCode::unsupported_protocol_version,
                name == "MQTT" || name == "MQIsdp" ? "protocol version is not supported"
                                                   : "protocol name is not MQTT");
    }
}

unsigned read_flags(Reader& in, ProtocolVersion version) {
    const unsigned flags = in.u8();
    const bool will = (flags & flag_will) != 0;
    // 3.1 leaves the lowest bit undefined.
    if ((flags & flag_reserved) != 0 && version != ProtocolVersion::v3_1)  // [MQTT-3.1.2-3]
        in.fail(ReasonCode::malformed_packet, "reserved connect flag is set");
    if ((flags & flag_will_qos) == flag_will_qos)  // [MQTT-3.1.2-12]
        in.fail(ReasonCode::malformed_packet, "will QoS is 3");
    if (!will &&
        (flags & (flag_will_qos | flag_will_retain)) != 0)  // [MQTT-3.1.2-11, MQTT-3.1.2-13]
        in.fail(ReasonCode::malformed_packet, "will QoS or retain without a will");
    // Only 5.0 has a password without a user name [MQTT 3.1.1, MQTT-3.1.2-22].
    if ((flags & flag_password) != 0 && (flags & flag_username) == 0 &&
        version != ProtocolVersion::v5)
        in.fail(ReasonCode::malformed_packet, "password without a user name");
    return flags;
}

void read_properties(Reader& in, Connect& packet) {
    PropertyReader properties{in, allowed_in::connect};
    while (properties.next()) {
        switch (properties.current()) {
            case Property::session_expiry_interval:
                packet.session_expiry_interval = in.u32();
                break;
            case Property::receive_maximum:
                packet.receive_maximum = read_nonzero_u16(in);
                break;
            case Property::maximum_packet_size:
                packet.maximum_packet_size = read_nonzero_u32(in);
                break;
            case Property::topic_alias_maximum:
                packet.topic_alias_maximum = in.u16();
                break;
            case Property::request_response_information:
                packet.request_response_information = read_flag(in);
                break;
            case Property::request_problem_information:
                packet.request_problem_information = read_flag(in);
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
    if (packet.authentication_data && !packet.authentication_method)
        in.fail(ReasonCode::protocol_error, "authentication data without a method");
}

void read_will(Reader& in, ProtocolVersion version, unsigned flags, Will& will) {
    will.qos = static_cast<Qos>((flags & flag_will_qos) >> will_qos_shift);
    will.retain = (flags & flag_will_retain) != 0;
    if (version == ProtocolVersion::v5) {
        PropertyReader properties{in, allowed_in::will};
        while (properties.next()) {
            if (properties.current() == Property::will_delay_interval)
                will.delay_interval = in.u32();
            else
                read_message_property(properties.current(), in, will.properties);
        }
    }
    will.topic = in.text();
    if (!in.failed() && !is_topic_name(will.topic))
        in.fail(ReasonCode::topic_name_invalid, "will topic is empty or has a wildcard");
    will.payload = in.binary();
}

void write_properties(const Connect& packet, std::string& out) {
    const LengthPrefixed section{out};
    if (packet.session_expiry_interval != 0)
        write_u32(out, Property::session_expiry_interval, packet.session_expiry_interval);
    if (packet.receive_maximum != 65535)
        write_u16(out, Property::receive_maximum, packet.receive_maximum);
    if (packet.maximum_packet_size != 0)
        write_u32(out, Property::maximum_packet_size, packet.maximum_packet_size);
    if (packet.topic_alias_maximum != 0)
        write_u16(out, Property::topic_alias_maximum, packet.topic_alias_maximum);
    if (packet.request_response_information)
        write_flag(out, Property::request_response_information, true);
    if (!packet.request_problem_information)
        write_flag(out, Property::request_problem_information, false);
    write_text(out, Property::authentication_method, packet.authentication_method);
    write_text(out, Property::authentication_data, packet.authentication_data);
    write_user_properties(out, packet.user_properties);
}

void write_will(const Will& will, ProtocolVersion version, std::string& out) {
    if (version == ProtocolVersion::v5) {
        const LengthPrefixed section{out};
        if (will.delay_interval != 0)
            write_u32(out, Property::will_delay_interval, will.delay_interval);
        write_message_properties(out, will.properties);
    }
    write_text(out, will.topic);
    write_text(out, will.payload);
}

unsigned flags_of(const Connect& packet) {
    unsigned flags = packet.clean_start ? flag_clean_start : 0U;
    if (packet.will) {
        flags |= flag_will | static_cast<unsigned>(packet.will->qos) << will_qos_shift;
        flags |= packet.will->retain ? flag_will_retain : 0U;
    }
    flags |= packet.username ? flag_username : 0U;
    if (packet.password && (packet.username || packet.version == ProtocolVersion::v5))
        flags |= flag_password;
    return flags;
}

}  // namespace

void read_connect(Reader& in, Connect& packet) {
    read_version(in, packet);
    const auto flags = read_flags(in, packet.version);
    packet.clean_start = (flags & flag_clean_start) != 0;
    packet.keep_alive = in.u16();
    if (packet.version == ProtocolVersion::v5)
        read_properties(in, packet);
    else
        packet.session_expiry_interval = packet.clean_start ? 0 : never;
    packet.client_id = in.text();
    if ((flags & flag_will) != 0)
        read_will(in, packet.version, flags, packet.will.emplace());
    // In 3.1 the flags may announce a user name and password that are not there.
    const bool may_lack = packet.version == ProtocolVersion::v3_1;
    if ((flags & flag_username) != 0 && !(may_lack && in.at_end()))
        packet.username = in.text();
    if ((flags & flag_password) != 0 && !(may_lack && in.at_end()))
        packet.password = in.binary();
}

void write_packet(const Connect& packet, std::string& out) {
    const Frame frame{out, first_byte(PacketType::connect)};
    const auto flags = flags_of(packet);
    write_text(out, packet.version == ProtocolVersion::v3_1 ? "MQIsdp" : "MQTT");
    write_u8(out, static_cast<unsigned>(packet.version));
    write_u8(out, flags);
    write_u16(out, packet.keep_alive);
    if (packet.version == ProtocolVersion::v5)
        write_properties(packet, out);
    write_text(out, packet.client_id);
    if (packet.will)
        write_will(*packet.will, packet.version, out);
    if (packet.username)
        write_text(out, *packet.username);
    if ((flags & flag_password) != 0)
        write_text(out, *packet.password);
}

}  // namespace keepmq::mqtt::wire
