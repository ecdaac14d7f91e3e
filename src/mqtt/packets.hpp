#pragma once
// MQTT Control Packets as values. One vocabulary for 3.1, 3.1.1 and 5.0: names are those of 5.0 and
// the codec translates.
//
// Text and bytes are views. In a decoded packet they point into the input buffer and live until the
// caller consumes those bytes; in a packet to be encoded they point wherever the sender keeps them
// until `encode` returns. Whoever keeps a packet longer copies.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/ids.hpp"
#include "mqtt/reason_code.hpp"

namespace keepmq::mqtt {

enum class ProtocolVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5 = 5 };

using PacketId = std::uint16_t;  ///< never 0 where one is required [MQTT-2.2.1-3]

using UserProperties = std::vector<std::pair<std::string_view, std::string_view>>;

/// Properties that travel with an application message: in PUBLISH and in a will.
struct PublishProperties {
    std::optional<std::uint8_t> payload_format_indicator;
    std::optional<std::uint32_t> message_expiry_interval;
    std::optional<std::string_view> content_type;
    std::optional<std::string_view> response_topic;
    std::optional<std::string_view> correlation_data;
    UserProperties user_properties;

    [[nodiscard]] bool any() const {
        return payload_format_indicator || message_expiry_interval || content_type ||
               response_topic || correlation_data || !user_properties.empty();
    }
    friend bool operator==(const PublishProperties&, const PublishProperties&) = default;
};

struct Will {
    std::string_view topic;
    std::string_view payload;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::uint32_t delay_interval = 0;  ///< seconds
    PublishProperties properties;

    friend bool operator==(const Will&, const Will&) = default;
};

struct Connect {
    ProtocolVersion version = ProtocolVersion::v5;
    bool clean_start = true;
    std::uint16_t keep_alive = 0;  ///< seconds, 0 = off
    std::string_view client_id;
    std::optional<std::string_view> username;
    std::optional<std::string_view> password;
    std::optional<Will> will;
    /// 3.x: 0 with clean session, 0xFFFFFFFF (never) without.
    std::uint32_t session_expiry_interval = 0;
    std::uint16_t receive_maximum = 65535;
    std::uint32_t maximum_packet_size = 0;  ///< 0 = no limit was given
    std::uint16_t topic_alias_maximum = 0;
    bool request_response_information = false;
    bool request_problem_information = true;
    std::optional<std::string_view> authentication_method;
    std::optional<std::string_view> authentication_data;
    UserProperties user_properties;

    friend bool operator==(const Connect&, const Connect&) = default;
};

struct Connack {
    bool session_present = false;
    ReasonCode reason = ReasonCode::success;
    std::optional<std::uint32_t> session_expiry_interval;
    std::optional<std::uint16_t> receive_maximum;
    std::optional<Qos> maximum_qos;
    std::optional<bool> retain_available;
    std::optional<std::uint32_t> maximum_packet_size;
    std::optional<std::string_view> assigned_client_identifier;
    std::optional<std::uint16_t> topic_alias_maximum;
    std::optional<std::string_view> reason_string;
    std::optional<bool> wildcard_subscription_available;
    std::optional<bool> subscription_identifier_available;
    std::optional<bool> shared_subscription_available;
    std::optional<std::uint16_t> server_keep_alive;
    std::optional<std::string_view> response_information;
    std::optional<std::string_view> server_reference;
    std::optional<std::string_view> authentication_method;
    std::optional<std::string_view> authentication_data;
    UserProperties user_properties;

    friend bool operator==(const Connack&, const Connack&) = default;
};

struct Publish {
    bool dup = false;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::string_view topic;  ///< empty only together with a topic alias
    PacketId packet_id = 0;  ///< 0 for QoS 0
    std::uint16_t topic_alias =
        0;  ///< 0 = none (0 on the wire is refused by the codec [MQTT-3.3.2-8])
    std::vector<std::uint32_t> subscription_identifiers;  ///< server to client only
    PublishProperties properties;
    std::string_view payload;

    friend bool operator==(const Publish&, const Publish&) = default;
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP share their shape; the tag keeps them apart.
template <int Type>
struct Ack {
    PacketId packet_id = 0;
    ReasonCode reason = ReasonCode::success;
    std::optional<std::string_view> reason_string;
    UserProperties user_properties;

    friend bool operator==(const Ack&, const Ack&) = default;
};
using Puback = Ack<4>;
using Pubrec = Ack<5>;
using Pubrel = Ack<6>;
using Pubcomp = Ack<7>;

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

struct SubscribeEntry {
    std::string_view filter;  ///< as sent, with `$share/<group>/`
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;

    friend bool operator==(const SubscribeEntry&, const SubscribeEntry&) = default;
};

struct Subscribe {
    PacketId packet_id = 0;
    std::vector<SubscribeEntry> entries;
    std::optional<std::uint32_t> subscription_identifier;
    UserProperties user_properties;

    friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

struct Suback {
    PacketId packet_id = 0;
    std::vector<ReasonCode> reasons;  ///< encoded for 3.x as 0, 1, 2 or 0x80
    std::optional<std::string_view> reason_string;
    UserProperties user_properties;

    friend bool operator==(const Suback&, const Suback&) = default;
};

struct Unsubscribe {
    PacketId packet_id = 0;
    std::vector<std::string_view> filters;
    UserProperties user_properties;

    friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};

struct Unsuback {
    PacketId packet_id = 0;
    std::vector<ReasonCode> reasons;  ///< not on the wire before 5.0
    std::optional<std::string_view> reason_string;
    UserProperties user_properties;

    friend bool operator==(const Unsuback&, const Unsuback&) = default;
};

struct Pingreq {
    friend bool operator==(const Pingreq&, const Pingreq&) = default;
};
struct Pingresp {
    friend bool operator==(const Pingresp&, const Pingresp&) = default;
};

struct Disconnect {
    ReasonCode reason = ReasonCode::success;
    std::optional<std::uint32_t> session_expiry_interval;
    std::optional<std::string_view> reason_string;
    std::optional<std::string_view> server_reference;
    UserProperties user_properties;

    friend bool operator==(const Disconnect&, const Disconnect&) = default;
};

struct Auth {
    ReasonCode reason = ReasonCode::success;
    std::optional<std::string_view> authentication_method;
    std::optional<std::string_view> authentication_data;
    std::optional<std::string_view> reason_string;
    UserProperties user_properties;

    friend bool operator==(const Auth&, const Auth&) = default;
};

using Packet = std::variant<Connect,
                            Connack,
                            Publish,
                            Puback,
                            Pubrec,
                            Pubrel,
                            Pubcomp,
                            Subscribe,
                            Suback,
                            Unsubscribe,
                            Unsuback,
                            Pingreq,
                            Pingresp,
                            Disconnect,
                            Auth>;

}  // namespace keepmq::mqtt
