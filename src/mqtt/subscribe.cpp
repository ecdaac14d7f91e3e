// SUBSCRIBE and SUBACK [MQTT 5.0, 3.8, 3.9; MQTT 3.1.1, 3.8, 3.9].

#include <array>

#include "mqtt/packet_codec.hpp"
#include "mqtt/properties.hpp"
#include "mqtt/reason_set.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {
namespace {

enum SubscriptionOption : unsigned {
    option_qos = 0x03,
    option_no_local = 0x04,
    option_retain_as_published = 0x08,
    option_retain_handling = 0x30,
    option_reserved = 0xC0,
};
constexpr unsigned retain_handling_shift = 4;

constexpr std::array suback_reasons{
    ReasonCode::success,
    ReasonCode::granted_qos_1,
    ReasonCode::granted_qos_2,
    ReasonCode::unspecified_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::not_authorized,
    ReasonCode::topic_filter_invalid,
    ReasonCode::packet_identifier_in_use,
    ReasonCode::quota_exceeded,
    ReasonCode::shared_subscriptions_not_supported,
    ReasonCode::subscription_identifiers_not_supported,
    ReasonCode::wildcard_subscriptions_not_supported,
};

constexpr std::array suback_return_codes{
    // of 3.x
    ReasonCode::success,
    ReasonCode::granted_qos_1,
    ReasonCode::granted_qos_2,
    ReasonCode::unspecified_error,
};

void read_properties(Reader& in, Subscribe& packet) {
    PropertyReader properties{in, allowed_in::subscribe};
    while (properties.next()) {
        if (properties.current() == Property::user_property) {
            read_user_property(in, packet.user_properties);
            continue;
        }
        if (packet.subscription_identifier)
            in.fail(ReasonCode::protocol_error, "subscription identifier is given twice");
        packet.subscription_identifier = read_subscription_identifier(in);
    }
}

void check_filter(Reader& in, std::string_view subscribed) {
    const auto shared = split_shared(subscribed);
    if (!in.failed() && (!shared.valid || !is_topic_filter(shared.filter)))
        in.fail(ReasonCode::topic_filter_invalid, "topic filter is not valid");
}

SubscribeEntry read_entry(Reader& in, ProtocolVersion version) {
    SubscribeEntry entry;
    entry.filter = in.text();
    const unsigned options = in.u8();
    check_filter(in, entry.filter);
    const unsigned reserved =
        version == ProtocolVersion::v5 ? option_reserved : ~unsigned{option_qos};
    if ((options & reserved) != 0)  // [MQTT-3.8.3-5]
        in.fail(ReasonCode::malformed_packet, "reserved subscription option is set");
    entry.qos = static_cast<Qos>(options & option_qos);
    entry.no_local = (options & option_no_local) != 0;
    entry.retain_as_published = (options & option_retain_as_published) != 0;
    const unsigned handling = (options & option_retain_handling) >> retain_handling_shift;
    entry.retain_handling = static_cast<RetainHandling>(handling);
    if ((options & option_qos) == 3)
        in.fail(ReasonCode::malformed_packet, "subscription QoS is 3");
    if (handling == 3)
        in.fail(ReasonCode::protocol_error, "retain handling is 3");
    if (entry.no_local && !split_shared(entry.filter).group.empty())  // [MQTT-3.8.3-4]
        in.fail(ReasonCode::protocol_error, "no local on a shared subscription");
    return entry;
}

unsigned options_of(const SubscribeEntry& entry, ProtocolVersion version) {
    auto options = static_cast<unsigned>(entry.qos);
    if (version != ProtocolVersion::v5)
        return options;
    options |= entry.no_local ? option_no_local : 0U;
    options |= entry.retain_as_published ? option_retain_as_published : 0U;
    options |= static_cast<unsigned>(entry.retain_handling) << retain_handling_shift;
    return options;
}

}  // namespace

void read_subscribe(Reader& in, ProtocolVersion version, Subscribe& packet) {
    packet.packet_id = in.packet_id();
    if (version == ProtocolVersion::v5)
        read_properties(in, packet);
    if (!in.failed() && in.at_end())  // [MQTT-3.8.3-2]
        in.fail(ReasonCode::protocol_error, "SUBSCRIBE has no topic filter");
    while (!in.at_end()) packet.entries.push_back(read_entry(in, version));
}

void write_packet(const Subscribe& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::subscribe, 0b0010)};
    write_u16(out, packet.packet_id);
    if (version == ProtocolVersion::v5) {
        const LengthPrefixed section{out};
        if (packet.subscription_identifier) {
            write_id(out, Property::subscription_identifier);
            write_variable(out, *packet.subscription_identifier);
        }
        write_user_properties(out, packet.user_properties);
    }
    for (const auto& entry : packet.entries) {
        write_text(out, entry.filter);
        write_u8(out, options_of(entry, version));
    }
}

void read_suback(Reader& in, ProtocolVersion version, Suback& packet) {
    packet.packet_id = in.packet_id();
    std::span<const ReasonCode> allowed{suback_return_codes};
    if (version == ProtocolVersion::v5) {
        allowed = suback_reasons;
        PropertyReader properties{in, allowed_in::acknowledgement};
        while (properties.next()) {
            if (properties.current() == Property::reason_string)
                packet.reason_string = in.text();
            else
                read_user_property(in, packet.user_properties);
        }
    }
    if (!in.failed() && in.at_end())
        in.fail(ReasonCode::protocol_error, "SUBACK has no reason code");
    while (!in.at_end()) packet.reasons.push_back(read_reason(in, allowed));
}

void write_packet(const Suback& packet, ProtocolVersion version, std::string& out) {
    const Frame frame{out, first_byte(PacketType::suback)};
    write_u16(out, packet.packet_id);
    if (version == ProtocolVersion::v5) {
        const LengthPrefixed section{out};
        write_text(out, Property::reason_string, packet.reason_string);
        write_user_properties(out, packet.user_properties);
    }
    for (const auto reason : packet.reasons) {
        const bool generic = version != ProtocolVersion::v5 && is_error(reason);
        write_u8(out, static_cast<unsigned>(generic ? ReasonCode::unspecified_error : reason));
    }
}

}  // namespace keepmq::mqtt::wire
