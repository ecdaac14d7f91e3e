// mqtt.*, broker.*, retainer.* and hooks.*

#include "config/section.hpp"

namespace keepmq::config {
namespace {

/// The largest Remaining Length that a packet can announce [MQTT 5.0, 1.5.5].
constexpr std::uint64_t largest_packet = 268'435'455;

Key max_qos() {
    return number_key(
        "mqtt.max_qos_allowed",
        {0, 2},
        false,
        "Largest QoS a client may publish with.",
        [](Settings& s, std::uint64_t value) { s.mqtt.max_qos_allowed = static_cast<Qos>(value); },
        [](Settings& s) { return static_cast<std::uint64_t>(s.mqtt.max_qos_allowed); });
}

void add_limits(std::vector<Key>& keys) {
    keys.push_back(bytes_key<std::uint32_t>(
        "mqtt.max_packet_size", {16, largest_packet}, "Largest packet that is accepted.", [
        ](Settings & s) -> auto& { return s.mqtt.max_packet_size; }));
    keys.push_back(number_key<std::size_t>(
        "mqtt.max_clientid_len", {23, 65'535}, "Longest client identifier, in bytes.", [
        ](Settings & s) -> auto& { return s.mqtt.max_clientid_len; }));
    keys.push_back(number_key<std::size_t>(
        "mqtt.max_topic_levels", {0, 65'535}, "Most levels of a topic. 0: no limit.", [
        ](Settings & s) -> auto& { return s.mqtt.max_topic_levels; }));
    keys.push_back(max_qos());
    keys.push_back(number_key<std::uint16_t>(
        "mqtt.max_topic_alias", {0, 65'535}, "Topic aliases of a client (MQTT 5).", [
        ](Settings & s) -> auto& { return s.mqtt.max_topic_alias; }));
    keys.push_back(number_key<std::size_t>(
        "mqtt.max_connections", {1, 100'000'000}, "Connections at a time, over all listeners.", [
        ](Settings & s) -> auto& { return s.mqtt.max_connections; }));
    keys.push_back(number_key<std::size_t>(
        "mqtt.max_sessions", {1, 100'000'000}, "Sessions at a time, connected or not.", [
        ](Settings & s) -> auto& { return s.mqtt.max_sessions; }));
    keys.push_back(bytes_key<std::size_t>(
        "mqtt.max_outgoing_buffer",
        {1'024, 1ULL << 30U},
        "Bytes that may wait for one slow reader.",
        [](Settings & s) -> auto& { return s.mqtt.max_outgoing_buffer; }));
}

}  // namespace

void add_mqtt_keys(std::vector<Key>& keys) {
    add_limits(keys);
    keys.push_back(flag_key(
        "mqtt.retain_available", "Whether messages may be retained.", [](Settings & s) -> auto& {
            return s.mqtt.retain_available;
        }));
    keys.push_back(flag_key(
        "mqtt.wildcard_subscription", "Whether a topic filter may have wildcards.", [
        ](Settings & s) -> auto& { return s.mqtt.wildcard_subscription; }));
    keys.push_back(flag_key(
        "mqtt.shared_subscription", "Whether shared subscriptions are offered.", [
        ](Settings & s) -> auto& { return s.mqtt.shared_subscription; }));
    keys.push_back(number_key<std::size_t>(
        "retainer.max_retained_messages", {0}, "Most retained messages. 0: no limit.", [
        ](Settings & s) -> auto& { return s.mqtt.max_retained_messages; }));
    keys.push_back(words_key(
        "broker.shared_subscription_strategy",
        {"random", "round_robin", "sticky", "hash"},
        "Which member of a group receives a message.",
        [](Settings & s) -> auto& { return s.mqtt.shared_subscription_strategy; }));
    keys.push_back(duration_key<std::chrono::seconds>(
        "broker.sys_interval",
        {0, 86'400'000},
        "How often `$SYS` topics are published. 0: never.",
        [](Settings & s) -> auto& { return s.mqtt.sys_interval; }));
    keys.push_back(flag_key(
        "hooks.lookup_on_every_connect",
        "Whether `on_subscribe_lookup` rules of `session.created` also run when a "
        "session is resumed.",
        [](Settings & s) -> auto& { return s.mqtt.lookup_on_every_connect; }));
}

}  // namespace keepmq::config
