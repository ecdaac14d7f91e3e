#include "backends/pgsql/settings.hpp"

#include "store/authorities.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::pgsql {
namespace {

constexpr std::uint16_t default_port = 5432;

void refuse_empty(store::PoolConfReader& read,
                  std::string_view property,
                  const std::string& value) {
    if (value.empty())
        read.refuse(property, "it is empty");
}

}  // namespace

std::vector<std::string_view> Settings::names() {
    return store::with_network_settings({"server",
                                         "pool_size",
                                         "readers",
                                         "username",
                                         "password",
                                         "database",
                                         "auto_create_schema"});
}

void Settings::fill(store::PoolConfReader& read) {
    read.servers("server", default_port, servers);
    read.number("pool_size", 1, 256, lanes);
    read.number("readers", 1, 64, readers);
    read.text("username", username);
    refuse_empty(read, "username", username);
    read.text("password", password);
    read.text("database", database);
    refuse_empty(read, "database", database);
    read.tls(tls);
    store::require_authorities(read, tls);
    read.timeouts(connect_timeout, read_timeout);
    read.flag("auto_create_schema", auto_create_schema);
}

}  // namespace keepmq::pgsql
