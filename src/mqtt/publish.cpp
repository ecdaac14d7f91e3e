// PUBLISH [MQTT 5.0, 3.3; MQTT 3.1.1, 3.3]. The hot path: neither direction allocates, except for
// user properties and subscription identifiers, whose vectors keep their capacity.

#include <algorithm>
#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt {
namespace wire {
namespace {

enum PublishFlag : unsigned { flag_retain = 0x01, flag_dup = 0x08 };
constexpr unsigned qos_shift = 1;

void read_topic_alias(Reader& in, Publish& packet) {
    packet.topic_alias = in.u16();
    if (packet.topic_alias == 0)  // [MQTT-3.3.2-8]
        in.fail(ReasonCode::topic_alias_invalid, "topic alias is 0");
}

void read_properties(Reader& in, Sender sender, Publish& packet) {
    PropertyReader properties{in, allowed_in::publish};
    while (properties.next()) {
        switch (properties.current()) {
            case Property::topic_alias:
                read_topic_alias(in, packet);
                break;
            case Property::subscription_identifier:
                if (sender == Sender::client)  // [MQTT-3.3.4-6]
                    in.fail(ReasonCode::protocol_error, "subscription identifier sent by a client");
                packet.subscription_identifiers.push_back(read_subscription_identifier(in));
                break;
            default:
                read_message_property(properties.current(), in, packet.properties);
        }
    }
}

void check_topic(Reader& in, ProtocolVersion version, const Publish& packet) {
    if (!packet.topic.empty()) {
        if (!is_topic_name(packet.topic))  // [MQTT-3.3.2-2]
            in.fail(ReasonCode::topic_name_invalid, "topic name has a wildcard");
    } else if (version != ProtocolVersion::v5) {
        in.fail(ReasonCode::topic_name_invalid, "topic name is empty");  // [MQTT-4.7.3-1]
    } else if (packet.topic_alias == 0) {
        in.fail(ReasonCode::protocol_error, "topic name is empty and there is no topic alias");
    }
}

std::size_t properties_size(const Publish& packet) {
    std::size_t size = message_properties_size(packet.properties);
    if (packet.topic_alias != 0)
        size += 3;
    for (const auto id : packet.subscription_identifiers) size += 1 + variable_size(id);
    return size;
}

void write_properties(const Publish& packet, std::size_t size, std::string& out) {
    write_variable(out, size);
    if (size == 0)
        return;
    if (packet.topic_alias != 0)
        write_u16(out, Property::topic_alias, packet.topic_alias);
    for (const auto id : packet.subscription_identifiers) {
        write_id(out, Property::subscription_identifier);
        write_variable(out, id);
    }
    write_message_properties(out, packet.properties);
}

/// Sizes of a packet's parts on the wire.
struct Layout {
    std::size_t topic;
    std::size_t properties;  ///< without their own length
    std::size_t rest;        ///< the Remaining Length
};

Layout layout_of(const Publish& packet, ProtocolVersion version) {
    Layout layout{};
    layout.topic = std::min(packet.topic.size(), longest_text);
    layout.rest = 2 + layout.topic + packet.payload.size();
    if (packet.qos != Qos::at_most_once)
        layout.rest += 2;
    if (version == ProtocolVersion::v5) {
        layout.properties = properties_size(packet);
        layout.rest += variable_size(layout.properties) + layout.properties;
    }
    return layout;
}

unsigned flags_of(const Publish& packet) {
    return (packet.retain ? flag_retain : 0U) | (static_cast<unsigned>(packet.qos) << qos_shift) |
           (packet.dup ? flag_dup : 0U);
}

}  // namespace

void read_publish(Reader& in, const DecodeOptions& options, unsigned flags, Publish& packet) {
    const unsigned qos = (flags >> qos_shift) & 3U;
    packet.qos = static_cast<Qos>(qos);
    packet.dup = (flags & flag_dup) != 0;
    packet.retain = (flags & flag_retain) != 0;
    if (qos == 3)  // [MQTT-3.3.1-4]
        in.fail(ReasonCode::malformed_packet, "QoS is 3");
    if (packet.dup && qos == 0)  // [MQTT-3.3.1-2]
        in.fail(ReasonCode::malformed_packet, "DUP is set in a QoS 0 message");
    packet.topic = in.text();
    if (qos != 0)
        packet.packet_id = in.packet_id();
    if (options.version == ProtocolVersion::v5)
        read_properties(in, options.sender, packet);
    check_topic(in, options.version, packet);
    packet.payload = in.take_rest();
}

}  // namespace wire

void encode(const Publish& packet, ProtocolVersion version, std::string& out) {
    const auto layout = wire::layout_of(packet, version);
    out.reserve(out.size() + 1 + wire::variable_size(layout.rest) + layout.rest);
    std::array<char, 7> header{};
    header[0] =
        static_cast<char>(wire::first_byte(wire::PacketType::publish, wire::flags_of(packet)));
    char* end = wire::put_variable(header.data() + 1, layout.rest);
    end = wire::put_u16(end, layout.topic);
    out.append(header.data(), end);
    out.append(packet.topic.data(), layout.topic);
    if (packet.qos != Qos::at_most_once)
        wire::write_u16(out, packet.packet_id);
    if (version == ProtocolVersion::v5)
        wire::write_properties(packet, layout.properties, out);
    out.append(packet.payload);
}

std::size_t encoded_size(const Publish& packet, ProtocolVersion version) {
    const auto layout = wire::layout_of(packet, version);
    return 1 + wire::variable_size(layout.rest) + layout.rest;
}

}  // namespace keepmq::mqtt
