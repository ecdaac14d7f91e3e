#pragma once
// The settings of one pool, read and checked.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/diagnostic.hpp"
#include "store/backend.hpp"

namespace keepmq::sqlite {

/// SQLite's `synchronous`.
enum class Synchronous : std::uint8_t { off, normal, full, extra };
[[nodiscard]] std::string_view to_string(Synchronous level);

struct Settings {
    std::string pool;  ///< for messages
    std::string file;  ///< absolute, or relative to the working directory
    std::size_t readers = 4;
    Synchronous synchronous = Synchronous::full;
    std::chrono::milliseconds busy_timeout{5000};
    std::size_t cache_megabytes = 32;
    std::size_t checkpoint_megabytes = 16;
    bool auto_create_schema = true;
};

/// Names of all settings above, as they stand in the file.
[[nodiscard]] std::span<const std::string_view> property_names();

/// Nothing after an error; all errors are reported.
[[nodiscard]] std::optional<Settings> read_settings(const store::PoolConf& conf,
                                                    Diagnostics& diagnostics);

}  // namespace keepmq::sqlite
