#include "backends/cassa/settings.hpp"

#include <algorithm>
#include <array>

#include "store/authorities.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::cassa {
namespace {

using namespace std::string_view_literals;

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

// `auto_reconnect` and `logger` are of EMQ X: it reconnects always here, and logs as the broker
// does.
std::vector<std::string_view> Settings::names() {
    return store::with_network_settings({"nodes",
                                         "size",
                                         "readers",
                                         "auto_reconnect",
                                         "username",
                                         "password",
                                         "keyspace",
                                         "logger",
                                         "consistency",
                                         "auto_create_schema"});
}

void Settings::fill(store::PoolConfReader& read) {
    read.servers("nodes", default_port, nodes);
    read.number("size", 1, 256, lanes);
    read.number("readers", 1, 64, readers);
    read.text("username", username);
    read.text("password", password);
    if (username.empty() && !password.empty())
        read.refuse("password", "a password without a user", "add the line `username`");
    read.text("keyspace", keyspace);
    if (!is_keyspace(keyspace))
        read.refuse("keyspace", "it is not up to 48 letters, digits and underscores");
    auto level = static_cast<std::size_t>(std::ranges::find(levels, consistency) - levels.begin());
    read.choice("consistency", levels, level);
    consistency = levels.at(level);
    read.tls(tls);
    store::require_authorities(read, tls);
    read.timeouts(connect_timeout, read_timeout);
    read.flag("auto_create_schema", auto_create_schema);
}

}  // namespace keepmq::cassa
