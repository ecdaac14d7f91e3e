#include "backends/mysql/settings.hpp"

#include <array>

namespace keepmq::mysql {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;

constexpr std::uint16_t default_port = 3306;

constexpr std::array properties{"server"sv,
                                "pool_size"sv,
                                "readers"sv,
                                "user"sv,
                                "username"sv,
                                "password"sv,
                                "database"sv,
                                "ssl"sv,
                                "verify"sv,
                                "cacertfile"sv,
                                "certfile"sv,
                                "keyfile"sv,
                                "connect_timeout"sv,
                                "read_timeout"sv,
                                "auto_create_schema"sv};

/// The client library counts whole seconds and takes 0 for "no limit".
void read_timeout(store::PoolConfReader& read,
                  std::string_view property,
                  std::chrono::milliseconds& value) {
    read.duration(property, value);
    if (value < 1s)
        read.refuse(property, "a time-out is at least one second");
}

}  // namespace

std::span<const std::string_view> property_names() {
    return properties;
}

std::optional<Settings> read_settings(const store::PoolConf& conf, Diagnostics& diagnostics) {
    Settings settings;
    settings.pool = conf.name;
    store::PoolConfReader read{conf, diagnostics};
    read.servers("server", default_port, settings.servers);
    read.number("pool_size", 1, 64, settings.lanes);
    read.number("readers", 1, 64, settings.readers);
    // The tutorial of EMQ X says `username`, its conf file `user`.
    read.text("username", settings.user);
    read.text("user", settings.user);
    read.text("password", settings.password);
    read.text("database", settings.database);
    if (settings.database.empty())
        read.refuse("database", "the name of the database is empty");
    read.tls(settings.tls);
    read_timeout(read, "connect_timeout", settings.connect_timeout);
    read_timeout(read, "read_timeout", settings.read_timeout);
    read.flag("auto_create_schema", settings.auto_create_schema);
    read.warn_of_unknown(properties);
    return read.ok() ? std::optional{std::move(settings)} : std::nullopt;
}

}  // namespace keepmq::mysql
