#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::mongo {

enum class Topology : std::uint8_t { single, unknown, sharded, replica_set };

struct Settings {
    std::string pool;  ///< for messages
    Topology topology = Topology::single;
    std::vector<store::Server> servers{{"127.0.0.1", 27017}};
    std::string srv_record;  ///< name that DNS resolves to servers and options; empty: `servers`
    std::string replica_set;
    std::size_t pool_size = 8;  ///< lanes; and as many readers, at most 4
    std::string database = "mqtt";
    std::string login;
    std::string password;
    std::string auth_source = "admin";
    store::Tls tls;
    bool safe = true;  ///< a commit is in the journals of a majority; else in memory of one
    bool reads_secondary = false;  ///< lookups and fetches may ask a secondary
    bool auto_create_schema = true;
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds read_timeout{5000};
    std::chrono::milliseconds server_selection_timeout{30'000};
    std::chrono::milliseconds local_threshold{15};
    std::chrono::milliseconds heartbeat_frequency{10'000};

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

/// The connection string for the driver, without user and password.
[[nodiscard]] std::string uri_of(const Settings& settings);

}  // namespace keepmq::mongo
