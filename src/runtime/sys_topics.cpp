#include "runtime/sys_topics.hpp"

namespace keepmq::runtime {

std::vector<std::pair<std::string, std::string>> sys_topics(std::string_view node,
                                                            std::chrono::seconds uptime,
                                                            const broker::Stats& stats,
                                                            std::uint64_t bytes_received,
                                                            std::uint64_t bytes_sent) {
    const std::string version = std::string{"KeepMQ "} + KEEPMQ_VERSION;
    const std::string seconds = std::to_string(uptime.count());
    const std::string own = "$SYS/brokers/" + std::string{node} + '/';
    const auto count = [](std::uint64_t value) { return std::to_string(value); };
    return {
        {"$SYS/brokers", std::string{node}},
        {own + "version", version},
        {own + "uptime", seconds},
        {own + "sysdescr", "KeepMQ broker"},
        {own + "stats/connections/count", count(stats.connections)},
        {own + "stats/sessions/count", count(stats.sessions)},
        {own + "stats/subscriptions/count", count(stats.subscriptions)},
        {own + "stats/retained/count", count(stats.retained)},
        {own + "metrics/messages/received", count(stats.messages_received)},
        {own + "metrics/messages/sent", count(stats.messages_sent)},
        {own + "metrics/packets/received", count(stats.packets_received)},
        {own + "metrics/packets/sent", count(stats.packets_sent)},
        {own + "metrics/bytes/received", count(bytes_received)},
        {own + "metrics/bytes/sent", count(bytes_sent)},
        {"$SYS/broker/version", version},
        {"$SYS/broker/uptime", seconds + " seconds"},
        {"$SYS/broker/clients/connected", count(stats.connections)},
        {"$SYS/broker/clients/total", count(stats.sessions)},
        {"$SYS/broker/subscriptions/count", count(stats.subscriptions)},
        {"$SYS/broker/retained messages/count", count(stats.retained)},
        {"$SYS/broker/messages/received", count(stats.messages_received)},
        {"$SYS/broker/messages/sent", count(stats.messages_sent)},
        {"$SYS/broker/bytes/received", count(bytes_received)},
        {"$SYS/broker/bytes/sent", count(bytes_sent)},
    };
}

}  // namespace keepmq::runtime
