#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::pgsql {

struct Settings {
    std::string pool;                                         ///< for messages
    std::vector<store::Server> servers{{"127.0.0.1", 5432}};  ///< tried in order
    std::size_t lanes = 8;
    std::size_t readers = 2;
    std::string username = "root";
    std::string password = "public";  ///< never shown
    std::string database = "mqtt";
    store::Tls tls;
    std::chrono::milliseconds connect_timeout{5000};  ///< for each server
    std::chrono::milliseconds read_timeout{10'000};   ///< for the answer to one statement
    bool auto_create_schema = false;

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

}  // namespace keepmq::pgsql
