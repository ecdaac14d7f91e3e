#pragma once
// What the tests of this backend share: a keyspace of its own on the server under test (user and
// password `cassandra`).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/cassa/backend.hpp"
#include "backends/cassa/connection.hpp"
#include "sql/testing/words.hpp"
#include "store/testing/words.hpp"

namespace keepmq::cassa::test {

using namespace store::testing;
using sql::testing::rows_of;

inline std::string server() {
    return address_of("cassandra");
}

/// Of this process, so that programs that run at once do not meet.
inline std::string keyspace() {
    return "contract_" + std::to_string(::getpid());
}

inline store::PoolConf pool_conf(Properties properties = {}) {
    return store::testing::pool_conf(descriptor(), properties, KEEPMQ_TEST_DATA_DIR);
}

inline std::unique_ptr<store::Backend> make_backend() {
    return store::testing::make_backend(descriptor(),
                                        pool_conf({{"nodes", server()},
                                                   {"username", "cassandra"},
                                                   {"password", "cassandra"},
                                                   {"keyspace", keyspace()}}));
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
        return session_
                   ? rows_of(session_->run(Command{std::move(cql), std::move(params)}, interrupt_))
                   : sql::Rows{0};
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
