// Outbound: PUBLISH as bytes. A message that goes to many is encoded once per form and copied.

#include <algorithm>

#include "broker/core.hpp"

namespace keepmq::broker {
namespace {

constexpr std::size_t first_buffer = 512;
/// A client may offer 65,535 aliases; remembering so many topics for it is not worth the memory.
constexpr std::size_t most_aliases = 1024;

std::uint32_t remaining_seconds(WallTime end, WallTime now) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(end - now).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, 0xFFFFFFFF));
}

std::size_t packet_id_offset(std::string_view bytes, std::size_t topic_size) {
    std::size_t at = 1;
    while ((static_cast<unsigned char>(bytes[at]) & 0x80U) != 0) ++at;
    return at + 1 + 2 + topic_size;
}

/// An outbox frees its memory when it is empty; growing it byte by byte again would cost more than
/// the encoding.
std::string& tail_for(Outbox& outbox, std::size_t more) {
    std::string& tail = outbox.tail();
    if (tail.empty())
        tail.reserve(std::max(first_buffer, more));
    return tail;
}

}  // namespace

void Outbound::begin_fan_out() {
    for (auto& frame : frames_) frame.valid = false;
    fan_out_ = true;
}

void Outbound::fill(const Message& message, const Form& form, Now now) {
    packet_.dup = form.dup;
    packet_.qos = form.qos;
    packet_.retain = form.retain;
    packet_.topic = message.topic.view();
    packet_.packet_id = form.packet_id;
    packet_.topic_alias = 0;
    packet_.subscription_identifiers.clear();
    packet_.payload = message.payload;
    auto& to = packet_.properties;
    to.user_properties.clear();
    if (!message.properties) {
        to.payload_format_indicator.reset();
        to.message_expiry_interval.reset();
        to.content_type.reset();
        to.response_topic.reset();
        to.correlation_data.reset();
        return;
    }
    const auto& from = *message.properties;
    to.payload_format_indicator = from.payload_format_indicator;
    to.message_expiry_interval = from.message_expiry_interval;
    if (const auto end = message.expires_at())
        to.message_expiry_interval = remaining_seconds(*end, now.wall);  // [MQTT-3.3.2-6]
    to.content_type = from.content_type;
    to.response_topic = from.response_topic;
    to.correlation_data = from.correlation_data;
    for (const auto& [name, value] : from.user_properties)
        to.user_properties.emplace_back(name, value);
}

bool Outbound::write(Connection& connection,
                     const Message& message,
                     const Form& form,
                     std::span<const std::uint32_t> identifiers,
                     Now now) {
    const bool plain =
        !connection.is_v5() || (identifiers.empty() && connection.alias_maximum == 0);
    if (fan_out_ && plain && !form.dup)
        return write_frame(connection, message, form, now);
    fill(message, form, now);
    std::uint16_t new_alias = 0;
    if (connection.is_v5()) {
        packet_.subscription_identifiers.assign(identifiers.begin(), identifiers.end());
        if (connection.alias_maximum > 0) {
            auto& aliases = connection.used_aliases().out;
            if (const auto known = aliases.find(message.topic.view()); known != aliases.end()) {
                packet_.topic = {};
                packet_.topic_alias = known->second;
            } else if (aliases.size() <
                       std::min<std::size_t>(connection.alias_maximum, most_aliases)) {
                new_alias = static_cast<std::uint16_t>(aliases.size() + 1);
                packet_.topic_alias = new_alias;
            }
        }
    }
    const auto fits = [&, limit = connection.maximum_packet_size] {
        return limit == 0 || mqtt::encoded_size(packet_, connection.version) <= limit;
    };
    bool small_enough = fits();
    if (!small_enough && new_alias != 0) {
        packet_.topic_alias = new_alias = 0;  // the first time, an alias comes on top of the topic
        small_enough = fits();
    }
    if (!small_enough) {
        ++core_.stats.dropped_too_large;
        return false;
    }
    mqtt::encode(packet_, connection.version, tail_for(connection.outbox, 0));
    if (new_alias != 0)
        connection.aliases->out.emplace(message.topic.str(), new_alias);
    ++core_.stats.packets_sent;
    core_.touch(connection);
    return true;
}

bool Outbound::write_frame(Connection& connection,
                           const Message& message,
                           const Form& form,
                           Now now) {
    const auto index = static_cast<std::size_t>(form.qos) * 4 + (form.retain ? 2U : 0U) +
                       (connection.is_v5() ? 1U : 0U);
    Frame& frame = frames_[index];
    if (!frame.valid) {
        fill(message, form, now);
        frame.bytes.clear();
        mqtt::encode(packet_, connection.version, frame.bytes);
        frame.packet_id_at = packet_id_offset(frame.bytes, message.topic.str().size());
        frame.valid = true;
    }
    const auto limit = connection.maximum_packet_size;
    if (limit != 0 && frame.bytes.size() > limit) {
        ++core_.stats.dropped_too_large;
        return false;
    }
    std::string& tail = tail_for(connection.outbox, frame.bytes.size());
    const auto at = tail.size();
    tail.append(frame.bytes);
    if (form.qos != Qos::at_most_once) {
        tail[at + frame.packet_id_at] = static_cast<char>(form.packet_id >> 8U);
        tail[at + frame.packet_id_at + 1] = static_cast<char>(form.packet_id & 0xFFU);
    }
    ++core_.stats.packets_sent;
    core_.touch(connection);
    return true;
}

}  // namespace keepmq::broker
