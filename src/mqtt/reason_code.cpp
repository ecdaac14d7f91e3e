#include "mqtt/reason_code.hpp"

#include <algorithm>
#include <array>

namespace keepmq::mqtt {
namespace {

struct Words {
    ReasonCode code;
    std::string_view text;
};

constexpr auto all_words = std::to_array<Words>({
    {ReasonCode::success, "success"},
    {ReasonCode::granted_qos_1, "granted QoS 1"},
    {ReasonCode::granted_qos_2, "granted QoS 2"},
    {ReasonCode::disconnect_with_will_message, "disconnect with will message"},
    {ReasonCode::no_matching_subscribers, "no matching subscribers"},
    {ReasonCode::no_subscription_existed, "no subscription existed"},
    {ReasonCode::continue_authentication, "continue authentication"},
    {ReasonCode::reauthenticate, "re-authenticate"},
    {ReasonCode::unspecified_error, "unspecified error"},
    {ReasonCode::malformed_packet, "malformed packet"},
    {ReasonCode::protocol_error, "protocol error"},
    {ReasonCode::implementation_specific_error, "implementation specific error"},
    {ReasonCode::unsupported_protocol_version, "unsupported protocol version"},
    {ReasonCode::client_identifier_not_valid, "client identifier not valid"},
    {ReasonCode::bad_user_name_or_password, "bad user name or password"},
    {ReasonCode::not_authorized, "not authorized"},
    {ReasonCode::server_unavailable, "server unavailable"},
    {ReasonCode::server_busy, "server busy"},
    {ReasonCode::banned, "banned"},
    {ReasonCode::server_shutting_down, "server shutting down"},
    {ReasonCode::bad_authentication_method, "bad authentication method"},
    {ReasonCode::keep_alive_timeout, "keep alive timeout"},
    {ReasonCode::session_taken_over, "session taken over"},
    {ReasonCode::topic_filter_invalid, "topic filter invalid"},
    {ReasonCode::topic_name_invalid, "topic name invalid"},
    {ReasonCode::packet_identifier_in_use, "packet identifier in use"},
    {ReasonCode::packet_identifier_not_found, "packet identifier not found"},
    {ReasonCode::receive_maximum_exceeded, "receive maximum exceeded"},
    {ReasonCode::topic_alias_invalid, "topic alias invalid"},
    {ReasonCode::packet_too_large, "packet too large"},
    {ReasonCode::message_rate_too_high, "message rate too high"},
    {ReasonCode::quota_exceeded, "quota exceeded"},
    {ReasonCode::administrative_action, "administrative action"},
    {ReasonCode::payload_format_invalid, "payload format invalid"},
    {ReasonCode::retain_not_supported, "retain not supported"},
    {ReasonCode::qos_not_supported, "QoS not supported"},
    {ReasonCode::use_another_server, "use another server"},
    {ReasonCode::server_moved, "server moved"},
    {ReasonCode::shared_subscriptions_not_supported, "shared subscriptions not supported"},
    {ReasonCode::connection_rate_exceeded, "connection rate exceeded"},
    {ReasonCode::maximum_connect_time, "maximum connect time"},
    {ReasonCode::subscription_identifiers_not_supported, "subscription identifiers not supported"},
    {ReasonCode::wildcard_subscriptions_not_supported, "wildcard subscriptions not supported"},
});

}  // namespace

std::string_view to_string(ReasonCode code) {
    const auto* const found = std::ranges::find(all_words, code, &Words::code);
    return found == all_words.end() ? "unknown reason code" : found->text;
}

}  // namespace keepmq::mqtt
