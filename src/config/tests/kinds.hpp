#pragma once
// The five databases of EMQ X, and SQLite, as their files see them.

#include <string_view>

#include "config/plugin_conf.hpp"

namespace keepmq::config {

inline PluginConfOptions options_of(std::string_view kind) {
    if (kind == "mysql")
        return {"mysql",
                "mysql",
                "sql",
                {"server", "pool_size", "user", "username", "password", "database"}};
    if (kind == "pgsql")
        return {"pgsql",
                "pgsql",
                "sql",
                {"server", "pool_size", "username", "password", "database", "ssl"}};
    if (kind == "redis") {
        return {"redis",
                "redis",
                "commands",
                {"type", "server", "sentinel", "pool_size", "database", "password", "channel"}};
    }
    if (kind == "mongo") {
        return {"mongo",
                "mongo",
                "",
                {"type",
                 "srv_record",
                 "rs_set_name",
                 "server",
                 "c_pool_size",
                 "database",
                 "login",
                 "password",
                 "auth_source",
                 "ssl",
                 "keyfile",
                 "certfile",
                 "cacertfile",
                 "w_mode",
                 "r_mode"}};
    }
    if (kind == "sqlite") {
        return {"sqlite",
                "sqlite",
                "sql",
                {"file",
                 "pool_size",
                 "synchronous",
                 "busy_timeout",
                 "cache_size",
                 "checkpoint_size",
                 "auto_create_schema"}};
    }
    return {"cassa",
            "ecql",
            "cql",
            {"nodes", "size", "auto_reconnect", "username", "password", "keyspace", "logger"}};
}

}  // namespace keepmq::config
