#include "backends/mongo/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/pool_settings.hpp"

namespace keepmq::mongo {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;

constexpr std::uint16_t default_port = 27017;

constexpr std::array topologies{"single"sv, "unknown"sv, "sharded"sv, "rs"sv};
constexpr std::array write_modes{"unsafe"sv, "safe"sv};
constexpr std::array read_modes{"master"sv, "slave_ok"sv};

void read_servers(store::PoolConfReader& read, Settings& settings) {
    bool by_name = false;
    read.flag("srv_record", by_name);
    if (!by_name) {
        read.servers("server", default_port, settings.servers);
        if (settings.topology == Topology::single && settings.servers.size() > 1)
            read.refuse("server",
                        "several servers, but `type = single` has one",
                        "write type = rs, sharded or unknown");
        return;
    }
    settings.srv_record = "127.0.0.1";
    read.text("server", settings.srv_record);
    const auto dots = std::ranges::count(settings.srv_record, '.');
    if (dots < 2 || settings.srv_record.find_first_of(":,/?@") != std::string::npos)
        read.refuse(read.find("server") == nullptr ? "srv_record" : "server",
                    "`srv_record` needs the name of one SRV record",
                    "such as cluster1.example.com, without port");
    if (settings.topology == Topology::single)
        read.refuse(read.find("type") == nullptr ? "srv_record" : "type",
                    "an SRV record may name several servers, `type = single` has one",
                    "write type = rs, sharded or unknown");
}

void read_topology(store::PoolConfReader& read, Settings& settings) {
    auto type = static_cast<std::size_t>(settings.topology);
    read.choice("type", topologies, type);
    settings.topology = static_cast<Topology>(type);
    read_servers(read, settings);
    read.text("rs_set_name", settings.replica_set);
    if (settings.topology == Topology::replica_set && settings.replica_set.empty() &&
        settings.srv_record.empty())
        read.refuse(read.find("rs_set_name") == nullptr ? "type" : "rs_set_name",
                    "the name of the replica set is missing",
                    "write the name that rs.status() shows as `set`");
}

void read_login(store::PoolConfReader& read, Settings& settings) {
    read.text("login", settings.login);
    read.text("password", settings.password);
    read.text("auth_source", settings.auth_source);
    if (settings.login.empty() != settings.password.empty())
        read.refuse(
            settings.login.empty() ? "password" : "login",
            settings.login.empty() ? "a password without a user" : "a user without a password",
            "write both `login` and `password`, or neither");
    if (settings.auth_source.empty())
        read.refuse("auth_source", "the name of the database is empty", "mostly it is admin");
}

void read_modes_of(store::PoolConfReader& read, Settings& settings) {
    std::size_t safe = settings.safe ? 1 : 0;
    read.choice("w_mode", write_modes, safe);
    settings.safe = safe == 1;
    std::size_t secondary = settings.reads_secondary ? 1 : 0;
    read.choice("r_mode", read_modes, secondary);
    settings.reads_secondary = secondary == 1;
}

void read_times(store::PoolConfReader& read, Settings& settings) {
    // EMQ X ships 100 ms, which a busy server fails by accident.
    constexpr auto shortest_read = 5000ms;
    read.duration("topology.connect_timeout_ms", settings.connect_timeout);
    read.duration("topology.socket_timeout_ms", settings.read_timeout);
    settings.read_timeout = std::max(settings.read_timeout, shortest_read);
    read.timeouts(settings.connect_timeout, settings.read_timeout);
    read.duration("topology.server_selection_timeout_ms", settings.server_selection_timeout);
    read.duration("topology.local_threshold_ms", settings.local_threshold);
    read.duration("topology.heartbeat_frequency_ms", settings.heartbeat_frequency);
    // The driver does not accept less.
    settings.heartbeat_frequency = std::max(settings.heartbeat_frequency, 500ms);
    settings.server_selection_timeout = std::max(settings.server_selection_timeout, 1ms);
}

/// What a part of a connection string may not hold as it is.
std::string escaped_for_uri(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace

std::vector<std::string_view> Settings::names() {
    return store::with_network_settings({"type",
                                         "srv_record",
                                         "rs_set_name",
                                         "server",
                                         "c_pool_size",
                                         "pool_size",
                                         "database",
                                         "login",
                                         "password",
                                         "auth_source",
                                         "w_mode",
                                         "r_mode",
                                         "auto_create_schema",
                                         "topology.pool_size",
                                         "topology.max_overflow",
                                         "topology.overflow_ttl",
                                         "topology.overflow_check_period",
                                         "topology.local_threshold_ms",
                                         "topology.connect_timeout_ms",
                                         "topology.socket_timeout_ms",
                                         "topology.server_selection_timeout_ms",
                                         "topology.wait_queue_timeout_ms",
                                         "topology.heartbeat_frequency_ms",
                                         "topology.min_heartbeat_frequency_ms"});
}

void Settings::fill(store::PoolConfReader& read) {
    read_topology(read, *this);
    read.number("pool_size", 1, 64, pool_size);
    read.number("c_pool_size", 1, 64, pool_size);
    read.text("database", database);
    if (database.empty() || database.find_first_of(R"(/\. "$)") != std::string::npos)
        read.refuse("database", "`" + database + "` is not the name of a database");
    read_login(read, *this);
    read.tls(tls);
    read_modes_of(read, *this);
    read.flag("auto_create_schema", auto_create_schema);
    read_times(read, *this);
}

std::string uri_of(const Settings& settings) {
    std::string hosts;
    for (const auto& server : settings.servers)
        hosts += (hosts.empty() ? "" : ",") + to_string(server);
    const bool by_name = !settings.srv_record.empty();
    // TLS and the login are not the driver's business here: see connection.hpp. Neither is another
    // try: the pool pauses first, which a server that is too slow needs.
    auto uri = fmt::format(
        "{}://{}/{}?appname=keepmq&tls=false&retryWrites=false&retryReads=false"
        "&connectTimeoutMS={}"
        "&socketTimeoutMS={}&serverSelectionTimeoutMS={}&localThresholdMS={}"
        "&heartbeatFrequencyMS={}&readPreference={}",
        by_name ? "mongodb+srv" : "mongodb",
        by_name ? settings.srv_record : hosts,
        escaped_for_uri(settings.database),
        settings.connect_timeout.count(),
        settings.read_timeout.count(),
        settings.server_selection_timeout.count(),
        settings.local_threshold.count(),
        settings.heartbeat_frequency.count(),
        settings.reads_secondary ? "secondaryPreferred" : "primary");
    uri += settings.safe ? "&w=majority&journal=true" : "&w=1";
    if (!by_name)
        uri += settings.topology == Topology::single ? "&directConnection=true"
                                                     : "&directConnection=false";
    if (settings.topology == Topology::replica_set && !settings.replica_set.empty())
        uri += "&replicaSet=" + escaped_for_uri(settings.replica_set);
    if (!settings.login.empty())
        uri += "&authSource=" + escaped_for_uri(settings.auth_source);
    return uri;
}

}  // namespace keepmq::mongo
