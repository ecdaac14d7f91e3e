#pragma once
// What the tests of this backend share: a database of its own on the server under test (user and
// password `mqtt`).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/pgsql/backend.hpp"
#include "backends/pgsql/session.hpp"
#include "sql/testing/words.hpp"
#include "store/testing/words.hpp"

namespace keepmq::pgsql::test {

using namespace store::testing;
using sql::testing::first_column;
using sql::testing::rows_of;

inline std::string server() {
    return address_of("pgsql");
}

/// Of this process, so that programs that run at once do not meet.
inline std::string database_name() {
    return "contract_" + std::to_string(::getpid());
}

inline store::PoolConf pool_conf(Properties properties = {}) {
    return store::testing::pool_conf(descriptor(), properties, KEEPMQ_TEST_DATA_DIR);
}

inline std::unique_ptr<store::Backend> make_backend(Properties properties = {}) {
    const auto conf = pool_conf({{"server", server()},
                                 {"username", "mqtt"},
                                 {"password", "mqtt"},
                                 {"database", database_name()}});
    return store::testing::make_backend(descriptor(), with(conf, properties));
}

/// A second program that looks at a database, or made its tables.
class Shell {
  public:
    explicit Shell(const std::string& database = database_name()) {
        Settings settings;
        settings.servers = *store::parse_servers(server(), 5432);
        settings.username = settings.password = "mqtt";
        settings.database = database;
        auto session = Session::connect(settings, interrupt_);
        if (const auto* const failure = std::get_if<store::Failure>(&session))
            ADD_FAILURE() << failure->text;
        else
            session_ = std::get<std::unique_ptr<Session>>(std::move(session));
    }
    void run(const std::string& script) {
        if (session_)
            expect_ok(session_->run_script(script));
    }
    sql::Rows rows(std::string sql, std::vector<sql::Param> params = {}) {
        return session_ ? rows_of(session_->query({std::move(sql), std::move(params)}))
                        : sql::Rows{0};
    }
    std::string ask(std::string sql) { return first_column(rows(std::move(sql))); }

  private:
    Interrupt interrupt_;
    std::unique_ptr<Session> session_;
};

/// Made before the first test, dropped after the last.
class OwnDatabase : public testing::Environment {
  public:
    void SetUp() override { Shell{"postgres"}.run("create database " + database_name()); }
    void TearDown() override {
        Shell{"postgres"}.run("drop database if exists " + database_name() + " with (force)");
    }
    static void empty() { Shell{}.run("drop schema public cascade; create schema public"); }
};

}  // namespace keepmq::pgsql::test
