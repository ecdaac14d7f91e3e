#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::mysql {

struct Settings {
    std::string pool;  ///< for messages
    std::vector<store::Server> servers{{"127.0.0.1", 3306}};
    std::string user = "root";
    std::string password;  ///< never printed
    std::string database = "mqtt";
    std::size_t lanes = 8;
    std::size_t readers = 2;
    store::Tls tls;
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds read_timeout{30'000};
    bool auto_create_schema = false;

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

}  // namespace keepmq::mysql
