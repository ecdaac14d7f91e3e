#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::redis {

enum class Topology : std::uint8_t { single, sentinel, cluster };

struct Settings {
    std::string pool;  ///< for messages
    Topology topology = Topology::single;
    std::vector<store::Server> servers;  ///< of the database; or the sentinels; or cluster seeds
    std::string master;                  ///< name of the master that the sentinels watch
    std::size_t pool_size = 8;           ///< lanes; and as many readers, at most 4
    std::size_t database = 0;
    std::string username;
    std::string password;
    std::string channel;  ///< commands are taken from it; empty: from nowhere
    store::Tls tls;
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds read_timeout{5000};
    /// Replicas that must have a batch before it counts as committed. Nothing: one if the master
    /// has one, behind sentinels; none otherwise.
    std::optional<std::size_t> wait_replicas;

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

}  // namespace keepmq::redis
