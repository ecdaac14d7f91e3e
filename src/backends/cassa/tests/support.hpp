#pragma once
// What the tests of this backend share: a keyspace of its own on the server that
// KEEPMQ_TEST_CASSANDRA names (host:port, user and password `cassandra`).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/cassa/backend.hpp"
#include "backends/cassa/connection.hpp"
#include "store/backend.hpp"

namespace keepmq::cassa::test {

inline void expect_ok(const std::optional<store::Failure>& failure) {
    EXPECT_FALSE(failure) << make_error_code(failure->code).message() << ": " << failure->text;
}

inline std::string server() {
    const auto* const server = std::getenv("KEEPMQ_TEST_CASSANDRA");
    if (server == nullptr)
        ADD_FAILURE() << "KEEPMQ_TEST_CASSANDRA is not set: eval \"$(tools/servers env)\"";
    return server == nullptr ? "127.0.0.1:1" : server;
}

/// Of this process, so that programs that run at once do not meet.
inline std::string keyspace() {
    return "contract_" + std::to_string(::getpid());
}

using Properties = std::initializer_list<std::pair<const char*, const char*>>;

inline store::PoolConf pool_conf(Properties properties = {}) {
    store::PoolConf conf{"ecql", "pool1", {}, "/data", KEEPMQ_TEST_DATA_DIR};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_cassa.conf", ++line}};
    return conf;
}

inline std::unique_ptr<store::Backend> make_backend() {
    auto conf = pool_conf();
    conf.entries["nodes"] = {server(), {}};
    conf.entries["username"] = conf.entries["password"] = {"cassandra", {}};
    conf.entries["keyspace"] = {keyspace(), {}};
    Diagnostics diagnostics;
    auto backend = descriptor().configure(conf, diagnostics);
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
    return backend;
}

/// A second program that looks at a keyspace, or made its tables.
class Shell {
  public:
    explicit Shell(const std::string& keyspace = test::keyspace()) {
        Settings settings;
        settings.nodes = *store::parse_servers(server(), 9042);
        settings.username = settings.password = "cassandra";
        settings.keyspace = keyspace;
        settings.read_timeout = std::chrono::minutes{1};
        auto session = Session::connect(settings, interrupt_);
        if (const auto* const failure = std::get_if<store::Failure>(&session))
            ADD_FAILURE() << failure->text;
        else
            session_ = std::get<0>(std::move(session));
    }
    void run(const std::string& script) {
        if (session_)
            expect_ok(session_->run_script(script, interrupt_));
    }
    void run_at_once(std::vector<Command> commands) {
        if (!session_)
            return;
        for (const auto& answer : session_->run(std::move(commands), interrupt_))
            if (const auto* const failure = std::get_if<store::Failure>(&answer))
                ADD_FAILURE() << failure->text;
    }
    sql::Rows rows(std::string cql, std::vector<Param> params = {}) {
        if (!session_)
            return sql::Rows{0};
        auto answer = session_->run(Command{std::move(cql), std::move(params)}, interrupt_);
        if (auto* const rows = std::get_if<sql::Rows>(&answer))
            return std::move(*rows);
        ADD_FAILURE() << std::get<store::Failure>(answer).text;
        return sql::Rows{0};
    }

  private:
    Interrupt interrupt_;
    std::shared_ptr<Session> session_;
};

/// Made before the first test, dropped after the last.
class OwnKeyspace : public testing::Environment {
  public:
    void SetUp() override {
        Shell{"system"}.run("create keyspace " + keyspace() +
                            " with replication = {'class': 'SimpleStrategy', "
                            "'replication_factor': 1};");
    }
    void TearDown() override { Shell{"system"}.run("drop keyspace if exists " + keyspace() + ";"); }
};

}  // namespace keepmq::cassa::test
