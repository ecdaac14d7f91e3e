// zone.external.*

#include <fmt/format.h>

#include <charconv>

#include "config/section.hpp"

namespace keepmq::config {
namespace {

constexpr std::uint64_t most_seconds = 0xFFFFFFFF;

/// A bare number, as in EMQ X.
Key server_keepalive() {
    return {"zone.external.server_keepalive",
            "seconds from 1 to 65535, or off",
            "Keep-alive time that MQTT 5 clients are told to use instead of their own.",
            [](Settings& settings, std::string_view value, const Origin&) -> std::string {
                settings.mqtt.server_keepalive.reset();
                if (value == "off" || value == "0")
                    return {};
                std::uint16_t seconds = 0;
                const auto* end = value.data() + value.size();
                const auto [stop, failed] = std::from_chars(value.data(), end, seconds);
                if (failed != std::errc{} || stop != end)
                    return "seconds from 1 to 65535, or off";
                settings.mqtt.server_keepalive = seconds;
                return {};
            },
            [](Settings& settings) {
                const auto& value = settings.mqtt.server_keepalive;
                return value ? std::to_string(*value) : std::string{"off"};
            }};
}

Key keepalive_backoff() {
    return {"zone.external.keepalive_backoff",
            "number from 0.5 to 10",
            "A silent client is disconnected after its keep-alive time, times this, times two.",
            [](Settings& settings, std::string_view value, const Origin&) -> std::string {
                double factor = 0;
                const auto* end = value.data() + value.size();
                const auto [stop, failed] = std::from_chars(value.data(), end, factor);
                if (failed != std::errc{} || stop != end || !(factor >= 0.5 && factor <= 10))
                    return "a number from 0.5 to 10";
                settings.mqtt.keepalive_backoff = factor;
                return {};
            },
            [](Settings& settings) { return fmt::format("{}", settings.mqtt.keepalive_backoff); }};
}

void add_queues(std::vector<Key>& keys) {
    keys.push_back(number_key<std::uint16_t>(
        "zone.external.receive_maximum",
        {1},
        "QoS 1 and 2 messages a client may have under way to us.",
        [](Settings & s) -> auto& { return s.mqtt.receive_maximum; }));
    keys.push_back(number_key<std::uint16_t>(
        "zone.external.max_inflight", {1}, "QoS 1 and 2 messages under way to a client.", [
        ](Settings & s) -> auto& { return s.mqtt.max_inflight; }));
    keys.push_back(number_key<std::size_t>(
        "zone.external.max_awaiting_rel",
        {1, 65'535},
        "QoS 2 messages of a client that wait for its PUBREL.",
        [](Settings & s) -> auto& { return s.mqtt.max_awaiting_rel; }));
    keys.push_back(number_key<std::size_t>(
        "zone.external.max_mqueue_len", {1}, "Messages that may wait for one session.", [
        ](Settings & s) -> auto& { return s.mqtt.max_mqueue_len; }));
    keys.push_back(bytes_key<std::size_t>(
        "zone.external.max_mqueue_bytes", {1'024}, "Bytes that may wait for one session.", [
        ](Settings & s) -> auto& { return s.mqtt.max_mqueue_bytes; }));
    keys.push_back(flag_key(
        "zone.external.mqueue_store_qos0",
        "Whether QoS 0 messages are kept for a session that is not connected.",
        [](Settings & s) -> auto& { return s.mqtt.mqueue_store_qos0; }));
    keys.push_back(number_key<std::size_t>(
        "zone.external.max_subscriptions", {0}, "Subscriptions of one session. 0: no limit.", [
        ](Settings & s) -> auto& { return s.mqtt.max_subscriptions; }));
}

}  // namespace

void add_zone_keys(std::vector<Key>& keys) {
    keys.push_back(duration_key<std::chrono::milliseconds>(
        "zone.external.idle_timeout",
        {100, 3'600'000},
        "How long a new connection may take to send CONNECT.",
        [](Settings & s) -> auto& { return s.mqtt.connect_timeout; }));
    keys.push_back(server_keepalive());
    keys.push_back(keepalive_backoff());
    add_queues(keys);
    keys.push_back(duration_key<std::chrono::seconds>(
        "zone.external.session_expiry_interval",
        {0, most_seconds * 1'000},
        "How long a session of an MQTT 3 client with clean_session = 0 outlives its connection.",
        [](Settings & s) -> auto& { return s.mqtt.session_expiry_interval; }));
    keys.push_back(duration_key<std::chrono::seconds>(
        "zone.external.max_session_expiry_interval",
        {0, most_seconds * 1'000},
        "The longest session expiry that MQTT 5 clients get; 4294967295s is for ever.",
        [](Settings & s) -> auto& { return s.mqtt.max_session_expiry_interval; }));
}

}  // namespace keepmq::config
