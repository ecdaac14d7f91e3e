#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/ids.hpp"

namespace keepmq::broker {

enum class SharedStrategy : std::uint8_t { random, round_robin, sticky, hash };

/// What one shard allows. Filled from config::Settings; see docs/configuration.md for the keys.
struct Limits {
    std::uint32_t max_packet_size = 1'048'576;
    std::size_t max_client_id_length = 65'535;
    std::size_t max_topic_levels = 128;  ///< 0 = no limit
    Qos max_qos = Qos::exactly_once;
    std::uint16_t max_topic_alias =
        65'535;  ///< client to server; server to client uses what the client offers
    bool retain_available = true;
    bool wildcard_subscription = true;
    bool shared_subscription = true;
    std::chrono::milliseconds connect_timeout{15'000};
    std::optional<std::uint16_t> server_keep_alive;
    double keep_alive_factor = 1.5;
    std::uint16_t receive_maximum =
        1'000;  ///< unacknowledged QoS>0 PUBLISH we accept from a client
    std::uint16_t max_inflight =
        1'000;  ///< unacknowledged QoS>0 PUBLISH we send, besides the client's own maximum
    std::size_t max_awaiting_rel = 1'000;
    std::size_t max_queue_length = 10'000;  ///< messages waiting in one session
    std::size_t max_queue_bytes = 64UL << 20U;
    bool queue_qos0 = false;                          ///< for absent sessions
    std::size_t max_subscriptions = 0;                ///< per session, 0 = no limit
    std::chrono::seconds session_expiry_of_3x{7200};  ///< of clean_session = 0
    std::chrono::seconds max_session_expiry{0xFFFFFFFF};
    std::size_t max_sessions = 1'000'000;
    std::size_t max_connections = 1'000'000;
    std::size_t max_outbox =
        1UL << 20U;  ///< bytes waiting for one slow reader; beyond it QoS 0 is dropped
    std::size_t max_retained = 1'000'000;  ///< 0 = no limit
    std::size_t retained_portion =
        1'000;  ///< retained messages that one subscription gets in a row
    SharedStrategy shared_strategy = SharedStrategy::round_robin;
    std::size_t replay_page = 500;
    std::size_t replay_buffer = 10'000;  ///< live messages held behind one fence
    std::chrono::milliseconds replay_deadline{10'000};
};

}  // namespace keepmq::broker
