#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/pool_conf.hpp"

namespace keepmq::sqlite {

/// SQLite's `synchronous`.
enum class Synchronous : std::uint8_t { off, normal, full, extra };
[[nodiscard]] std::string_view to_string(Synchronous level);

struct Settings {
    std::string pool;      ///< for messages
    std::string data_dir;  ///< relative names of files start here
    std::string file;      ///< absolute
    std::size_t readers = 4;
    Synchronous synchronous = Synchronous::full;
    std::chrono::milliseconds busy_timeout{5000};
    std::size_t cache_megabytes = 32;
    std::size_t checkpoint_megabytes = 16;
    bool auto_create_schema = true;

    // Of store/pool_settings.hpp:
    [[nodiscard]] static std::vector<std::string_view> names();
    void fill(store::PoolConfReader& read);
};

}  // namespace keepmq::sqlite
