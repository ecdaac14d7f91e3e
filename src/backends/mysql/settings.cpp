#include "backends/mysql/settings.hpp"

#include "store/pool_settings.hpp"

namespace keepmq::mysql {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t default_port = 3306;

/// The client library counts whole seconds and takes 0 for "no limit".
void read_seconds(store::PoolConfReader& read,
                  std::string_view property,
                  std::chrono::milliseconds& value) {
    read.duration(property, value);
    if (value < 1s)
        read.refuse(property, "a time-out is at least one second");
}

}  // namespace

std::vector<std::string_view> Settings::names() {
    return store::with_network_settings({"server",
                                         "pool_size",
                                         "readers",
                                         "user",
                                         "username",
                                         "password",
                                         "database",
                                         "auto_create_schema"});
}

void Settings::fill(store::PoolConfReader& read) {
    read.servers("server", default_port, servers);
    read.number("pool_size", 1, 64, lanes);
    read.number("readers", 1, 64, readers);
    // The tutorial of EMQ X says `username`, its conf file `user`.
    read.text("username", user);
    read.text("user", user);
    read.text("password", password);
    read.text("database", database);
    if (database.empty())
        read.refuse("database", "the name of the database is empty");
    read.tls(tls);
    read_seconds(read, "connect_timeout", connect_timeout);
    read_seconds(read, "read_timeout", read_timeout);
    read.flag("auto_create_schema", auto_create_schema);
}

}  // namespace keepmq::mysql
