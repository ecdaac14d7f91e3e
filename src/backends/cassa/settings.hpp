#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
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
};

/// Names of all settings above, as they stand in the file.
[[nodiscard]] std::span<const std::string_view> property_names();

/// Nothing after an error; all errors are reported.
[[nodiscard]] std::optional<Settings> read_settings(const store::PoolConf& conf,
                                                    Diagnostics& diagnostics);

}  // namespace keepmq::cassa
