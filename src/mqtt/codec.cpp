#include "mqtt/codec.hpp"

#include <array>

#include "base/overloaded.hpp"
#include "mqtt/packet_codec.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt {
namespace {

using wire::PacketType;
using wire::Reader;

enum class SentBy : std::uint8_t { nobody, client, server, both };

/// What the first byte of each packet type must look like [MQTT 5.0, 2.1.2, 2.1.3].
struct Rule {
    SentBy sent_by;
    std::uint8_t flags;
};
constexpr std::array<Rule, 16> rules{{
    {SentBy::nobody, 0},
    {SentBy::client, 0},       // CONNECT
    {SentBy::server, 0},       // CONNACK
    {SentBy::both, 0},         // PUBLISH: flags have a meaning and are checked with the packet
    {SentBy::both, 0},         // PUBACK
    {SentBy::both, 0},         // PUBREC
    {SentBy::both, 0b0010},    // PUBREL
    {SentBy::both, 0},         // PUBCOMP
    {SentBy::client, 0b0010},  // SUBSCRIBE
    {SentBy::server, 0},       // SUBACK
    {SentBy::client, 0b0010},  // UNSUBSCRIBE
    {SentBy::server, 0},       // UNSUBACK
    {SentBy::client, 0},       // PINGREQ
    {SentBy::server, 0},       // PINGRESP
    {SentBy::both, 0},         // DISCONNECT
    {SentBy::both, 0},         // AUTH
}};

struct FixedHeader {
    PacketType type{};
    unsigned flags = 0;
    std::size_t size = 0;  ///< of the fixed header, 0 while incomplete
    std::size_t rest = 0;
    bool shortest_form = true;
};

Decoded refuse(ReasonCode reason, std::string_view detail) {
    return {.status = DecodeStatus::refused, .reason = reason, .detail = detail};
}

/// Empty detail: nothing to object to.
Decoded check_first_byte(PacketType type, unsigned flags, const DecodeOptions& options) {
    const auto rule = rules[static_cast<std::size_t>(type)];
    const bool is_v5 = options.version == ProtocolVersion::v5;
    if (rule.sent_by == SentBy::nobody || (type == PacketType::auth && !is_v5))
        return refuse(ReasonCode::malformed_packet, "packet type is reserved");
    const bool server_disconnect =
        type == PacketType::disconnect && !is_v5 && options.sender == Sender::server;
    const auto wrong = options.sender == Sender::client ? SentBy::server : SentBy::client;
    if (rule.sent_by == wrong || server_disconnect)
        return refuse(ReasonCode::protocol_error, "packet type is not sent in this direction");
    if (type == PacketType::publish || flags == rule.flags)
        return {};
    // In 3.1 these three may carry DUP.
    if (options.version == ProtocolVersion::v3_1 && rule.flags == 0b0010 && flags == 0b1010)
        return {};
    return refuse(ReasonCode::malformed_packet, "fixed header flags are wrong");  // [MQTT-2.1.3-1]
}

/// Reads the Remaining Length. False if it is longer than four bytes.
bool read_remaining_length(std::string_view bytes, FixedHeader& header) {
    std::size_t value = 0;
    for (std::size_t i = 1; i <= 4; ++i) {
        if (i >= bytes.size())
            return true;
        const auto octet = static_cast<unsigned char>(bytes[i]);
        value |= static_cast<std::size_t>(octet & 0x7FU) << (7 * (i - 1));
        if ((octet & 0x80U) == 0) {
            header.size = i + 1;
            header.rest = value;
            header.shortest_form = octet != 0 || i == 1;
            return true;
        }
    }
    return false;
}

/// The alternative to read into. A PUBLISH that is there already keeps its storage.
template <class T>
T& prepare(Packet& packet) {
    return packet.emplace<T>();
}
template <>
Publish& prepare<Publish>(Packet& packet) {
    auto* publish = std::get_if<Publish>(&packet);
    if (publish == nullptr)
        return packet.emplace<Publish>();
    publish->packet_id = 0;
    publish->topic_alias = 0;
    publish->subscription_identifiers.clear();
    auto& properties = publish->properties;
    properties.payload_format_indicator.reset();
    properties.message_expiry_interval.reset();
    properties.content_type.reset();
    properties.response_topic.reset();
    properties.correlation_data.reset();
    properties.user_properties.clear();
    return *publish;
}

void read_packet(const FixedHeader& header,
                 const DecodeOptions& options,
                 Reader& in,
                 Packet& packet) {
    const auto version = options.version;
    switch (header.type) {
        case PacketType::publish:
            return read_publish(in, options, header.flags, prepare<Publish>(packet));
        case PacketType::puback:
            return read_puback(in, version, prepare<Puback>(packet));
        case PacketType::pubrec:
            return read_pubrec(in, version, prepare<Pubrec>(packet));
        case PacketType::pubrel:
            return read_pubrel(in, version, prepare<Pubrel>(packet));
        case PacketType::pubcomp:
            return read_pubcomp(in, version, prepare<Pubcomp>(packet));
        case PacketType::connect:
            return read_connect(in, prepare<Connect>(packet));
        case PacketType::connack:
            return read_connack(in, version, prepare<Connack>(packet));
        case PacketType::subscribe:
            return read_subscribe(in, version, prepare<Subscribe>(packet));
        case PacketType::suback:
            return read_suback(in, version, prepare<Suback>(packet));
        case PacketType::unsubscribe:
            return read_unsubscribe(in, version, prepare<Unsubscribe>(packet));
        case PacketType::unsuback:
            return read_unsuback(in, version, prepare<Unsuback>(packet));
        case PacketType::pingreq:
            packet.emplace<Pingreq>();
            return;
        case PacketType::pingresp:
            packet.emplace<Pingresp>();
            return;
        case PacketType::disconnect:
            return read_disconnect(in, options, prepare<Disconnect>(packet));
        case PacketType::auth:
            return read_auth(in, prepare<Auth>(packet));
    }
}

/// 3.x tolerates a padded Remaining Length, 5.0 does not [MQTT-1.5.5-1].
bool padding_is_allowed(const FixedHeader& header,
                        const DecodeOptions& options,
                        const Packet& packet) {
    if (header.shortest_form)
        return true;
    const auto* connect = std::get_if<Connect>(&packet);
    return (connect != nullptr ? connect->version : options.version) != ProtocolVersion::v5;
}

}  // namespace

Decoded decode(std::string_view bytes, const DecodeOptions& options, Packet& packet) {
    if (bytes.empty())
        return {};
    FixedHeader header;
    header.type = static_cast<PacketType>(static_cast<unsigned char>(bytes[0]) >> 4U);
    header.flags = static_cast<unsigned char>(bytes[0]) & 0x0FU;
    if (const auto checked = check_first_byte(header.type, header.flags, options);
        checked.status == DecodeStatus::refused)
        return checked;
    if (!read_remaining_length(bytes, header))
        return refuse(ReasonCode::malformed_packet, "remaining length is longer than four bytes");
    if (header.size == 0)
        return {};
    const auto size = header.size + header.rest;
    if (size > options.maximum_packet_size)
        return refuse(ReasonCode::packet_too_large,
                      "packet is larger than the maximum packet size");
    if (bytes.size() < size)
        return {.status = DecodeStatus::incomplete, .wanted = size};

    Reader in{bytes.substr(header.size, header.rest)};
    read_packet(header, options, in, packet);
    if (!in.failed() && !in.at_end())
        in.fail(ReasonCode::malformed_packet, "packet has bytes behind its last field");
    if (!padding_is_allowed(header, options, packet))
        in.fail(ReasonCode::malformed_packet, "remaining length is not in its shortest form");
    if (in.failed())
        return refuse(in.reason(), in.detail());
    return {.status = DecodeStatus::complete, .consumed = size};
}

void encode(const Packet& packet, ProtocolVersion version, std::string& out) {
    std::visit(Overloaded{
                   [&](const Connect& connect) { wire::write_packet(connect, out); },
                   [&](const Publish& publish) { encode(publish, version, out); },
                   [&]<int Type>(const Ack<Type>& ack) { encode(ack, version, out); },
                   [&](const Pingreq&) {
                       const wire::Frame frame{out, first_byte(PacketType::pingreq)};
                   },
                   [&](const Pingresp&) {
                       const wire::Frame frame{out, first_byte(PacketType::pingresp)};
                   },
                   [&](const auto& other) { wire::write_packet(other, version, out); },
               },
               packet);
}

}  // namespace keepmq::mqtt
