#include "backends/cassa/settings.hpp"

#include <algorithm>
#include <array>

#include "store/authorities.hpp"

namespace keepmq::cassa {
namespace {

using namespace std::string_view_literals;

// `auto_reconnect` and `logger` are of EMQ X: it reconnects always here, and logs as the broker
// does.
constexpr std::array properties{"nodes"sv,
                                "size"sv,
                                "readers"sv,
                                "auto_reconnect"sv,
                                "username"sv,
                                "password"sv,
                                "keyspace"sv,
                                "logger"sv,
                                "consistency"sv,
                                "ssl"sv,
                                "verify"sv,
                                "cacertfile"sv,
                                "certfile"sv,
                                "keyfile"sv,
                                "connect_timeout"sv,
                                "read_timeout"sv,
                                "auto_create_schema"sv};
constexpr std::array levels{
    "ONE"sv, "TWO"sv, "THREE"sv, "QUORUM"sv, "ALL"sv, "LOCAL_QUORUM"sv, "LOCAL_ONE"sv};
constexpr std::uint16_t default_port = 9042;
constexpr std::size_t longest_keyspace = 48;

bool is_keyspace(std::string_view name) {
    return !name.empty() && name.size() <= longest_keyspace &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_';
           });
}

}  // namespace

std::span<const std::string_view> property_names() {
    return properties;
}

std::optional<Settings> read_settings(const store::PoolConf& conf, Diagnostics& diagnostics) {
    Settings settings;
    settings.pool = conf.name;
    store::PoolConfReader read{conf, diagnostics};
    read.servers("nodes", default_port, settings.nodes);
    read.number("size", 1, 256, settings.lanes);
    read.number("readers", 1, 64, settings.readers);
    read.text("username", settings.username);
    read.text("password", settings.password);
    if (settings.username.empty() && !settings.password.empty())
        read.refuse("password", "a password without a user", "add the line `username`");
    read.text("keyspace", settings.keyspace);
    if (!is_keyspace(settings.keyspace))
        read.refuse("keyspace", "it is not up to 48 letters, digits and underscores");
    auto level =
        static_cast<std::size_t>(std::ranges::find(levels, settings.consistency) - levels.begin());
    read.choice("consistency", levels, level);
    settings.consistency = levels.at(level);
    read.tls(settings.tls);
    store::require_authorities(read, settings.tls);
    read.timeouts(settings.connect_timeout, settings.read_timeout);
    read.flag("auto_create_schema", settings.auto_create_schema);
    read.warn_of_unknown(properties);
    return read.ok() ? std::optional{settings} : std::nullopt;
}

}  // namespace keepmq::cassa
