#include "backends/sqlite/settings.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

namespace keepmq::sqlite {
namespace {

using namespace std::string_view_literals;

constexpr std::array levels{"off"sv, "normal"sv, "full"sv, "extra"sv};

void read_file(store::PoolConfReader& read, Settings& settings) {
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
    path = std::filesystem::path{settings.data_dir} / path;
    std::error_code error;
    if (entry != nullptr && std::filesystem::is_directory(path, error))
        return read.refuse("file",
                           fmt::format("`{}` is a directory", path.string()),
                           "give the name of a file in it");
    // An absolute path is never taken for a URI by SQLite.
    settings.file = std::filesystem::absolute(path, error).lexically_normal().string();
}

}  // namespace

std::string_view to_string(Synchronous level) {
    return levels[static_cast<std::size_t>(level)];
}

std::vector<std::string_view> Settings::names() {
    return {"file",
            "pool_size",
            "synchronous",
            "busy_timeout",
            "cache_size",
            "checkpoint_size",
            "auto_create_schema"};
}

void Settings::fill(store::PoolConfReader& read) {
    read_file(read, *this);
    read.number("pool_size", 1, 64, readers);
    auto level = static_cast<std::size_t>(synchronous);
    read.choice("synchronous", levels, level);
    synchronous = static_cast<Synchronous>(level);
    read.duration("busy_timeout", busy_timeout);
    read.number("cache_size", 1, 65'536, cache_megabytes);
    read.number("checkpoint_size", 1, 4096, checkpoint_megabytes);
    read.flag("auto_create_schema", auto_create_schema);
}

}  // namespace keepmq::sqlite
