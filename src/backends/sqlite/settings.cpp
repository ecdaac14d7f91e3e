#include "backends/sqlite/settings.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

namespace keepmq::sqlite {
namespace {

using namespace std::string_view_literals;

constexpr std::array properties{"file"sv,
                                "pool_size"sv,
                                "synchronous"sv,
                                "busy_timeout"sv,
                                "cache_size"sv,
                                "checkpoint_size"sv,
                                "auto_create_schema"sv};
constexpr std::array levels{"off"sv, "normal"sv, "full"sv, "extra"sv};

void read_file(store::PoolConfReader& read, const store::PoolConf& conf, std::string& value) {
    std::filesystem::path path = "keepmq.db";
    const auto* const entry = read.find("file");
    if (entry != nullptr) {
        if (entry->value.empty())
            return read.refuse("file", "the name of the file is empty");
        if (entry->value == ":memory:")
            return read.refuse(
                "file", "a database in memory keeps nothing", "give the name of a file");
        path = entry->value;
    }
    path = std::filesystem::path{conf.data_dir} / path;
    std::error_code error;
    if (entry != nullptr && std::filesystem::is_directory(path, error))
        return read.refuse("file",
                           fmt::format("`{}` is a directory", path.string()),
                           "give the name of a file in it");
    // An absolute path is never taken for a URI by SQLite.
    value = std::filesystem::absolute(path, error).lexically_normal().string();
}

}  // namespace

std::string_view to_string(Synchronous level) {
    return levels[static_cast<std::size_t>(level)];
}

std::span<const std::string_view> property_names() {
    return properties;
}

std::optional<Settings> read_settings(const store::PoolConf& conf, Diagnostics& diagnostics) {
    Settings settings;
    settings.pool = conf.name;
    store::PoolConfReader read{conf, diagnostics};
    read_file(read, conf, settings.file);
    read.number("pool_size", 1, 64, settings.readers);
    auto level = static_cast<std::size_t>(settings.synchronous);
    read.choice("synchronous", levels, level);
    settings.synchronous = static_cast<Synchronous>(level);
    read.duration("busy_timeout", settings.busy_timeout);
    read.number("cache_size", 1, 65'536, settings.cache_megabytes);
    read.number("checkpoint_size", 1, 4096, settings.checkpoint_megabytes);
    read.flag("auto_create_schema", settings.auto_create_schema);
    read.warn_of_unknown(properties);
    return read.ok() ? std::optional{settings} : std::nullopt;
}

}  // namespace keepmq::sqlite
