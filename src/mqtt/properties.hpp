#pragma once
// Properties [MQTT 5.0, 2.2.2]: which packet may carry which, reading and writing.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "mqtt/packets.hpp"
#include "mqtt/reader.hpp"
#include "mqtt/writer.hpp"

namespace keepmq::mqtt::wire {

enum class Property : std::uint8_t {
    payload_format_indicator = 0x01,
    message_expiry_interval = 0x02,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    subscription_identifier = 0x0B,
    session_expiry_interval = 0x11,
    assigned_client_identifier = 0x12,
    server_keep_alive = 0x13,
    authentication_method = 0x15,
    authentication_data = 0x16,
    request_problem_information = 0x17,
    will_delay_interval = 0x18,
    request_response_information = 0x19,
    response_information = 0x1A,
    server_reference = 0x1C,
    reason_string = 0x1F,
    receive_maximum = 0x21,
    topic_alias_maximum = 0x22,
    topic_alias = 0x23,
    maximum_qos = 0x24,
    retain_available = 0x25,
    user_property = 0x26,
    maximum_packet_size = 0x27,
    wildcard_subscription_available = 0x28,
    subscription_identifier_available = 0x29,
    shared_subscription_available = 0x2A,
};

/// A set of properties as bits; all identifiers are below 64.
class PropertySet {
  public:
    constexpr PropertySet() = default;
    constexpr PropertySet(std::initializer_list<Property> properties) {
        for (const auto property : properties) insert(property);
    }
    constexpr void insert(Property property) { bits_ |= bit(property); }
    [[nodiscard]] constexpr bool contains(Property property) const {
        return (bits_ & bit(property)) != 0;
    }

  private:
    static constexpr std::uint64_t bit(Property property) {
        return std::uint64_t{1} << static_cast<unsigned>(property);
    }
    std::uint64_t bits_ = 0;
};

/// Which properties each packet may carry [MQTT 5.0, table 2-4].
namespace allowed_in {
using enum Property;
inline constexpr PropertySet connect{session_expiry_interval,
                                     receive_maximum,
                                     maximum_packet_size,
                                     topic_alias_maximum,
                                     request_response_information,
                                     request_problem_information,
                                     user_property,
                                     authentication_method,
                                     authentication_data};
inline constexpr PropertySet will{will_delay_interval,
                                  payload_format_indicator,
                                  message_expiry_interval,
                                  content_type,
                                  response_topic,
                                  correlation_data,
                                  user_property};
inline constexpr PropertySet connack{session_expiry_interval,
                                     receive_maximum,
                                     maximum_qos,
                                     retain_available,
                                     maximum_packet_size,
                                     assigned_client_identifier,
                                     topic_alias_maximum,
                                     reason_string,
                                     user_property,
                                     wildcard_subscription_available,
                                     subscription_identifier_available,
                                     shared_subscription_available,
                                     server_keep_alive,
                                     response_information,
                                     server_reference,
                                     authentication_method,
                                     authentication_data};
inline constexpr PropertySet publish{payload_format_indicator,
                                     message_expiry_interval,
                                     content_type,
                                     response_topic,
                                     correlation_data,
                                     subscription_identifier,
                                     topic_alias,
                                     user_property};
inline constexpr PropertySet acknowledgement{reason_string,
                                             user_property};  // PUB*, SUBACK, UNSUBACK
inline constexpr PropertySet subscribe{subscription_identifier, user_property};
inline constexpr PropertySet unsubscribe{user_property};
inline constexpr PropertySet disconnect{
    session_expiry_interval, reason_string, user_property, server_reference};
inline constexpr PropertySet auth{
    authentication_method, authentication_data, reason_string, user_property};
}  // namespace allowed_in

/// Walks through the properties of one packet:
///
///     PropertyReader properties{in, allowed_in::auth};
///     while (properties.next())
///         switch (properties.current()) { ... reads the value from `in` ... }
///
/// Refuses unknown and misplaced ones (malformed) and repeated ones (protocol error).
class PropertyReader {
  public:
    PropertyReader(Reader& in, PropertySet allowed);
    bool next();
    [[nodiscard]] Property current() const { return current_; }

  private:
    Reader& in_;
    PropertySet allowed_;
    PropertySet seen_;
    const char* outer_;
    Property current_{};
};

/// Values with a narrower range than their type; what is outside is a protocol error.
bool read_flag(Reader& in);
std::uint16_t read_nonzero_u16(Reader& in);
std::uint32_t read_nonzero_u32(Reader& in);
std::uint32_t read_subscription_identifier(Reader& in);
void read_user_property(Reader& in, UserProperties& properties);

/// Reads a property that belongs to an application message; false if `property` is not one.
bool read_message_property(Property property, Reader& in, PublishProperties& into);

std::size_t message_properties_size(const PublishProperties& properties);
void write_message_properties(std::string& out, const PublishProperties& properties);
void write_user_properties(std::string& out, const UserProperties& properties);

inline void write_id(std::string& out, Property property) {
    write_u8(out, static_cast<unsigned>(property));
}
void write_flag(std::string& out, Property property, std::optional<bool> value);
void write_u16(std::string& out, Property property, std::optional<std::uint16_t> value);
void write_u32(std::string& out, Property property, std::optional<std::uint32_t> value);
void write_text(std::string& out, Property property, const std::optional<std::string_view>& value);

}  // namespace keepmq::mqtt::wire
