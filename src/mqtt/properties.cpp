#include "mqtt/properties.hpp"

#include <algorithm>

namespace keepmq::mqtt::wire {
namespace {

/// Size of an optional text property: identifier, length and bytes.
std::size_t text_size(const std::optional<std::string_view>& value) {
    return value ? 3 + std::min(value->size(), longest_text) : 0;
}

}  // namespace

PropertyReader::PropertyReader(Reader& in, PropertySet allowed) : in_{in}, allowed_{allowed} {
    outer_ = in_.narrow(in_.variable());
}

bool PropertyReader::next() {
    if (in_.at_end()) {
        in_.widen(outer_);
        return false;
    }
    const auto id = in_.variable();
    // 64 and above do not exist and would not fit into a PropertySet.
    if (id >= 64 || !allowed_.contains(static_cast<Property>(id))) {
        in_.fail(ReasonCode::malformed_packet, "property is unknown or not allowed in this packet");
        return false;
    }
    current_ = static_cast<Property>(id);
    const bool repeatable =
        current_ == Property::user_property || current_ == Property::subscription_identifier;
    if (seen_.contains(current_) && !repeatable) {
        in_.fail(ReasonCode::protocol_error, "property is given twice");
        return false;
    }
    seen_.insert(current_);
    return true;
}

bool read_flag(Reader& in) {
    const auto value = in.u8();
    if (value > 1)
        in.fail(ReasonCode::protocol_error, "property is neither 0 nor 1");
    return value == 1;
}

std::uint16_t read_nonzero_u16(Reader& in) {
    const auto value = in.u16();
    if (value == 0)
        in.fail(ReasonCode::protocol_error, "property must not be 0");
    return value;
}

std::uint32_t read_nonzero_u32(Reader& in) {
    const auto value = in.u32();
    if (value == 0)
        in.fail(ReasonCode::protocol_error, "property must not be 0");
    return value;
}

std::uint32_t read_subscription_identifier(Reader& in) {
    const auto value = in.variable();
    if (value == 0)
        in.fail(ReasonCode::protocol_error, "subscription identifier is 0");
    return value;
}

void read_user_property(Reader& in, UserProperties& properties) {
    const auto name = in.text();
    const auto value = in.text();
    properties.emplace_back(name, value);
}

bool read_message_property(Property property, Reader& in, PublishProperties& into) {
    switch (property) {
        case Property::payload_format_indicator:
            into.payload_format_indicator = static_cast<std::uint8_t>(read_flag(in));
            return true;
        case Property::message_expiry_interval:
            into.message_expiry_interval = in.u32();
            return true;
        case Property::content_type:
            into.content_type = in.text();
            return true;
        case Property::response_topic:
            into.response_topic = in.text();
            if (!is_topic_name(*into.response_topic))  // [MQTT-3.3.2-14]
                in.fail(ReasonCode::protocol_error, "response topic is empty or has a wildcard");
            return true;
        case Property::correlation_data:
            into.correlation_data = in.binary();
            return true;
        case Property::user_property:
            read_user_property(in, into.user_properties);
            return true;
        default:
            return false;
    }
}

std::size_t message_properties_size(const PublishProperties& properties) {
    std::size_t size = text_size(properties.content_type) + text_size(properties.response_topic) +
                       text_size(properties.correlation_data);
    if (properties.payload_format_indicator)
        size += 2;
    if (properties.message_expiry_interval)
        size += 5;
    for (const auto& [name, value] : properties.user_properties)
        size += 5 + std::min(name.size(), longest_text) + std::min(value.size(), longest_text);
    return size;
}

void write_message_properties(std::string& out, const PublishProperties& properties) {
    if (properties.payload_format_indicator)
        write_flag(
            out, Property::payload_format_indicator, *properties.payload_format_indicator != 0);
    write_u32(out, Property::message_expiry_interval, properties.message_expiry_interval);
    write_text(out, Property::content_type, properties.content_type);
    write_text(out, Property::response_topic, properties.response_topic);
    write_text(out, Property::correlation_data, properties.correlation_data);
    write_user_properties(out, properties.user_properties);
}

void write_user_properties(std::string& out, const UserProperties& properties) {
    for (const auto& [name, value] : properties) {
        write_id(out, Property::user_property);
        write_text(out, name);
        write_text(out, value);
    }
}

void write_flag(std::string& out, Property property, std::optional<bool> value) {
    if (!value)
        return;
    write_id(out, property);
    write_u8(out, *value ? 1 : 0);
}

void write_u16(std::string& out, Property property, std::optional<std::uint16_t> value) {
    if (!value)
        return;
    write_id(out, property);
    write_u16(out, *value);
}

void write_u32(std::string& out, Property property, std::optional<std::uint32_t> value) {
    if (!value)
        return;
    write_id(out, property);
    write_u32(out, *value);
}

void write_text(std::string& out, Property property, const std::optional<std::string_view>& value) {
    if (!value)
        return;
    write_id(out, property);
    write_text(out, *value);
}

}  // namespace keepmq::mqtt::wire
