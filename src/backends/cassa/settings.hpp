#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::cassa {

struct Settings {
    std::string pool;                                       ///< for messages
    std::vector<store::Server> nodes{{"127.0.0.1", 9042}};  ///< contact points
    std::size_t lanes = 8;                                  ///< `size`
    std::size_t readers = 4;
    std::string username;  ///< empty: no login
    std::string password;  ///< never shown
    std::string keyspace = "mqtt";
    std::string consistency = "LOCAL_QUORUM";
    store::Tls tls;
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds read_timeout{10'000};  ///< for the answer to one statement
    bool auto_create_schema = false;

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

}  // namespace keepmq::cassa
