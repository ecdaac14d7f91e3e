#include "backends/redis/settings.hpp"

#include <array>

namespace keepmq::redis {
namespace {

using namespace std::string_view_literals;

constexpr std::array properties{"type"sv,
                                "server"sv,
                                "sentinel"sv,
                                "pool_size"sv,
                                "database"sv,
                                "username"sv,
                                "password"sv,
                                "channel"sv,
                                "ssl"sv,
                                "verify"sv,
                                "cacertfile"sv,
                                "certfile"sv,
                                "keyfile"sv,
                                "connect_timeout"sv,
                                "read_timeout"sv,
                                "wait_replicas"sv};
constexpr std::array topologies{"single"sv, "sentinel"sv, "cluster"sv};

constexpr std::uint16_t redis_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;

void read_topology(store::PoolConfReader& read, Settings& settings) {
    read.text("sentinel", settings.master);
    // EMQ X 2.x had no `type`: a name for the master was what asked for sentinels.
    auto type =
        static_cast<std::size_t>(settings.master.empty() ? Topology::single : Topology::sentinel);
    read.choice("type", topologies, type);
    settings.topology = static_cast<Topology>(type);
    if (settings.topology == Topology::sentinel && settings.master.empty())
        read.refuse("sentinel",
                    "the name of the master is missing",
                    "write the name that the sentinels watch it under, such as mymaster");
    const auto port = settings.topology == Topology::sentinel ? sentinel_port : redis_port;
    settings.servers = {{"127.0.0.1", port}};
    read.servers("server", port, settings.servers);
}

void read_waiting(store::PoolConfReader& read, Settings& settings) {
    if (read.find("wait_replicas") == nullptr)
        return;
    std::size_t count = 0;
    read.number("wait_replicas", 0, 100, count);
    settings.wait_replicas = count;
}

}  // namespace

std::span<const std::string_view> property_names() {
    return properties;
}

std::optional<Settings> read_settings(const store::PoolConf& conf, Diagnostics& diagnostics) {
    Settings settings;
    settings.pool = conf.name;
    store::PoolConfReader read{conf, diagnostics};
    read_topology(read, settings);
    read.number("pool_size", 1, 64, settings.pool_size);
    read.number("database", 0, 65'535, settings.database);
    if (settings.topology == Topology::cluster && settings.database != 0)
        read.refuse("database", "a cluster has database 0 only", "leave this line out");
    read.text("username", settings.username);
    read.text("password", settings.password);
    if (!settings.username.empty() && settings.password.empty())
        read.refuse("username", "a user without a password", "add the line `password`");
    read.text("channel", settings.channel);
    read.tls(settings.tls);
    read.timeouts(settings.connect_timeout, settings.read_timeout);
    read_waiting(read, settings);
    read.warn_of_unknown(properties);
    return read.ok() ? std::optional{settings} : std::nullopt;
}

}  // namespace keepmq::redis
