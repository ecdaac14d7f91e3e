#pragma once
// What the tests of this backend share: a database of its own on the server that KEEPMQ_TEST_PGSQL
// names (host:port, user and password `mqtt`), and operations in few words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/pgsql/backend.hpp"
#include "backends/pgsql/session.hpp"
#include "store/backend.hpp"

namespace keepmq::pgsql::test {

inline void expect_ok(const std::optional<store::Failure>& failure) {
    EXPECT_FALSE(failure) << make_error_code(failure->code).message() << ": " << failure->text;
}

inline std::string server() {
    const auto* const server = std::getenv("KEEPMQ_TEST_PGSQL");
    if (server == nullptr)
        ADD_FAILURE() << "KEEPMQ_TEST_PGSQL is not set: eval \"$(tools/servers env)\"";
    return server == nullptr ? "127.0.0.1:1" : server;
}

/// Of this process, so that programs that run at once do not meet.
inline std::string database_name() {
    return "contract_" + std::to_string(::getpid());
}

using Properties = std::initializer_list<std::pair<const char*, const char*>>;

inline store::PoolConf pool_conf(Properties properties = {}) {
    store::PoolConf conf{"pgsql", "pool1", {}, "/data", KEEPMQ_TEST_DATA_DIR};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_pgsql.conf", ++line}};
    return conf;
}

inline std::unique_ptr<store::Backend> make_backend(Properties properties = {}) {
    auto conf = pool_conf(properties);
    const auto set = [&](const char* name, const std::string& value) {
        conf.entries.try_emplace(name, store::PoolConf::Entry{value, {}});
    };
    set("server", server());
    set("username", "mqtt");
    set("password", "mqtt");
    set("database", database_name());
    Diagnostics diagnostics;
    auto backend = descriptor().configure(conf, diagnostics);
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
    return backend;
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
        if (!session_)
            return sql::Rows{0};
        auto answer = session_->query({std::move(sql), std::move(params)});
        if (auto* const rows = std::get_if<sql::Rows>(&answer))
            return std::move(*rows);
        ADD_FAILURE() << std::get<store::Failure>(answer).text;
        return sql::Rows{0};
    }
    /// First column of all rows, separated by blanks.
    std::string ask(std::string sql) {
        const auto found = rows(std::move(sql));
        std::string out;
        for (std::size_t row = 0; row < found.size(); ++row)
            out.append(out.empty() ? "" : " ")
                .append(found.is_null(row, 0) ? "NULL" : found.bytes(row, 0));
        return out;
    }

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

inline WallTime at(int seconds) {
    return WallTime{std::chrono::seconds{1'700'000'000 + seconds}};
}

inline MessageId message_id(std::uint64_t number) {
    return {1'700'000'000'000'000 + number, 1};
}

inline std::shared_ptr<Message> message(std::uint64_t number,
                                        std::string_view topic,
                                        std::string payload = "x") {
    auto out = std::make_shared<Message>();
    out->id = message_id(number);
    out->topic = TopicName{topic};
    out->payload = std::move(payload);
    out->qos = Qos::at_least_once;
    out->sender = ClientId{"sender"};
    out->at = at(static_cast<int>(number));
    return out;
}

inline store::Op store_one(std::shared_ptr<Message> message) {
    return store::StoreMessage{std::move(message), store::Keep::all, {}};
}

/// Statements whose parameters stand between the pieces.
inline store::Op execute(std::vector<std::vector<std::string>> statements,
                         std::vector<store::Value> values = {}) {
    auto list = std::make_shared<store::Statements>();
    for (auto& pieces : statements) list->list.push_back({std::move(pieces), "source", {}});
    return store::Execute{std::move(list), std::move(values)};
}

inline std::optional<store::Failure> write(store::Connection& connection,
                                           const std::vector<store::Op>& ops,
                                           store::Attempt attempt = store::Attempt::first) {
    std::vector<const store::Op*> batch;
    for (const auto& op : ops) batch.push_back(&op);
    return connection.write(batch, attempt);
}

}  // namespace keepmq::pgsql::test
