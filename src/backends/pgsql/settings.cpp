#include "backends/pgsql/settings.hpp"

#include <array>

#include "store/authorities.hpp"

namespace keepmq::pgsql {
namespace {

using namespace std::string_view_literals;

constexpr std::array properties{"server"sv,
                                "pool_size"sv,
                                "readers"sv,
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
constexpr std::uint16_t default_port = 5432;

void refuse_empty(store::PoolConfReader& read,
                  std::string_view property,
                  const std::string& value) {
    if (value.empty())
        read.refuse(property, "it is empty");
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
    read.number("pool_size", 1, 256, settings.lanes);
    read.number("readers", 1, 64, settings.readers);
    read.text("username", settings.username);
    refuse_empty(read, "username", settings.username);
    read.text("password", settings.password);
    read.text("database", settings.database);
    refuse_empty(read, "database", settings.database);
    read.tls(settings.tls);
    store::require_authorities(read, settings.tls);
    read.timeouts(settings.connect_timeout, settings.read_timeout);
    read.flag("auto_create_schema", settings.auto_create_schema);
    read.warn_of_unknown(properties);
    return read.ok() ? std::optional{settings} : std::nullopt;
}

}  // namespace keepmq::pgsql
