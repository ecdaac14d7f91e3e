#pragma once
// What one shard's broker counts. Shard-local; plain numbers.

#include <cstdint>

namespace keepmq::broker {

/// Counters of one shard; read between turns of its loop.
struct Stats {
    std::uint64_t connections = 0;  ///< open Network Connections, also before CONNECT
    std::uint64_t sessions = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t retained = 0;
    std::uint64_t messages_received = 0;  ///< PUBLISH, by clients
    std::uint64_t messages_sent = 0;      ///< PUBLISH, to clients
    std::uint64_t packets_received = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t queued = 0;    ///< gauge: messages waiting in sessions
    std::uint64_t inflight = 0;  ///< gauge: sent, unacknowledged
    // Every message that is not delivered has a reason here.
    std::uint64_t dropped_slow_reader = 0;  ///< QoS 0, outbox full
    std::uint64_t dropped_queue_full = 0;   ///< QoS > 0, session's queue full
    std::uint64_t dropped_expired = 0;
    std::uint64_t dropped_too_large = 0;  ///< larger than the client's Maximum Packet Size
    std::uint64_t dropped_no_subscriber = 0;
    std::uint64_t dropped_qos0_absent = 0;  ///< QoS 0 for a session that is away
    std::uint64_t dropped_shared_empty = 0;
    std::uint64_t refused_connects = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t keep_alive_timeouts = 0;
    std::uint64_t takeovers = 0;
    std::uint64_t fences_open = 0;  ///< gauge
    std::uint64_t fences_late = 0;  ///< passed their deadline
    std::uint64_t replayed = 0;     ///< stored messages handed to sessions
};

/// Into a sum over shards.
void add(Stats& to, const Stats& from);

}  // namespace keepmq::broker
