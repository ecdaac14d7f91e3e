#include "backends/redis/settings.hpp"

#include <array>

#include "store/pool_settings.hpp"

namespace keepmq::redis {
namespace {

using namespace std::string_view_literals;

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

std::vector<std::string_view> Settings::names() {
    return store::with_network_settings({"type",
                                         "server",
                                         "sentinel",
                                         "pool_size",
                                         "database",
                                         "username",
                                         "password",
                                         "channel",
                                         "wait_replicas"});
}

void Settings::fill(store::PoolConfReader& read) {
    read_topology(read, *this);
    read.number("pool_size", 1, 64, pool_size);
    read.number("database", 0, 65'535, database);
    if (topology == Topology::cluster && database != 0)
        read.refuse("database", "a cluster has database 0 only", "leave this line out");
    read.text("username", username);
    read.text("password", password);
    if (!username.empty() && password.empty())
        read.refuse("username", "a user without a password", "add the line `password`");
    read.text("channel", channel);
    read.tls(tls);
    read.timeouts(connect_timeout, read_timeout);
    read_waiting(read, *this);
}

}  // namespace keepmq::redis
