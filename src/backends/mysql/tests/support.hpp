#pragma once
// What the tests of this backend share: a database of its own on a real server, and operations in
// few words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/mysql/backend.hpp"
#include "backends/mysql/database.hpp"
#include "backends/mysql/schema.hpp"
#include "store/backend.hpp"

namespace keepmq::mysql::test {

using Properties = std::initializer_list<std::pair<const char*, std::string>>;

inline store::PoolConf pool_conf(Properties properties = {}) {
    store::PoolConf conf{"mysql", "pool1", {}, "/data", "/etc/keepmq/plugins"};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_mysql.conf", ++line}};
    return conf;
}

inline WallTime at(std::int64_t second) {
    return WallTime{std::chrono::seconds{1'700'000'000 + second}};
}

inline MessageId message_id(std::uint64_t number) {
    return {1'700'000'000'000'000ULL + number, 7};
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
    out->at = at(static_cast<std::int64_t>(number));
    return out;
}

inline store::Op store_message(std::shared_ptr<Message> message) {
    return store::StoreMessage{std::move(message), store::Keep::all, {}};
}

/// Fails the test if there is a failure.
inline void expect_ok(const std::optional<store::Failure>& failure) {
    EXPECT_FALSE(failure) << make_error_code(failure->code).message() << ": " << failure->text;
}

inline std::optional<store::Failure> write(store::Connection& connection,
                                           const std::vector<store::Op>& ops,
                                           store::Attempt attempt = store::Attempt::first) {
    std::vector<const store::Op*> batch;
    for (const auto& op : ops) batch.push_back(&op);
    return connection.write(batch, attempt);
}

/// Statements whose parameters stand between the pieces.
inline store::Op execute(std::vector<std::vector<std::string>> statements,
                         std::vector<store::Value> values = {}) {
    auto list = std::make_shared<store::Statements>();
    for (auto& pieces : statements) list->list.push_back({std::move(pieces), "source", {}});
    return store::Execute{std::move(list), std::move(values)};
}

enum class Product { mariadb, mysql };

inline std::string to_string(Product product) {
    return product == Product::mariadb ? "MariaDb" : "MySql";
}

/// host:port; a missing server is a failed test.
inline std::string address_of(Product product) {
    const char* const variable =
        product == Product::mariadb ? "KEEPMQ_TEST_MARIADB" : "KEEPMQ_TEST_MYSQL";
    const char* const value = std::getenv(variable);
    if (value == nullptr) {
        ADD_FAILURE() << variable << " is not set: start the servers with tools/servers up";
        return "127.0.0.1:1";
    }
    return value;
}

/// The client of a second program: looks at a database, or makes it.
class Shell {
  public:
    Shell(Product product, std::string database) {
        Settings settings;
        settings.servers = *store::parse_servers(address_of(product), 3306);
        settings.user = "mqtt";
        settings.password = "mqtt";
        settings.database = std::move(database);
        auto connected = Database::connect(settings, store::Role::reader, interrupt_);
        if (const auto* const failure = std::get_if<store::Failure>(&connected))
            ADD_FAILURE() << failure->text;
        else
            database_ = std::get<std::unique_ptr<Database>>(std::move(connected));
    }
    void run(const std::string& script) {
        if (database_)
            expect_ok(database_->run_script(script));
    }
    void run(std::string_view sql, const std::vector<sql::Param>& params) {
        if (database_)
            expect_ok(database_->run(sql, params));
    }
    sql::Rows rows(const std::string& sql, std::vector<sql::Param> params = {}) {
        if (!database_)
            return sql::Rows{0};
        auto answer = database_->query({sql, std::move(params)});
        if (const auto* const failure = std::get_if<store::Failure>(&answer)) {
            ADD_FAILURE() << failure->text;
            return sql::Rows{0};
        }
        return std::get<sql::Rows>(std::move(answer));
    }
    /// First column of all rows, separated by blanks.
    std::string ask(const std::string& sql) {
        const auto found = rows(sql);
        std::string out;
        for (std::size_t row = 0; row < found.size(); ++row)
            out.append(out.empty() ? "" : " ")
                .append(found.is_null(row, 0) ? "NULL" : found.bytes(row, 0));
        return out;
    }

  private:
    Interrupt interrupt_;
    std::unique_ptr<Database> database_;
};

/// A file with tables, below tests/tables.
inline std::string tables(const std::string& name) {
    std::ifstream file{std::string{KEEPMQ_TEST_DATA_DIR} + "/tables/" + name};
    EXPECT_TRUE(file) << name;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A database that lives as long as this.
class TestDatabase {
  public:
    /// `script` makes the tables.
    explicit TestDatabase(Product product, const std::string& script)
        : product_{product}, name_{unique_name()} {
        admin_ = std::make_unique<Shell>(product, "information_schema");
        admin_->run("drop database if exists " + name_ + "; create database " + name_ +
                    " character set utf8mb4");
        shell_ = std::make_unique<Shell>(product, name_);
        shell_->run(script);
    }
    ~TestDatabase() { admin_->run("drop database if exists " + name_); }
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    [[nodiscard]] Shell& shell() { return *shell_; }
    [[nodiscard]] const std::string& name() const { return name_; }

    [[nodiscard]] store::PoolConf conf() const {
        return pool_conf({{"server", address_of(product_)},
                          {"user", "mqtt"},
                          {"password", "mqtt"},
                          {"database", name_}});
    }
    [[nodiscard]] std::unique_ptr<store::Backend> backend() const {
        Diagnostics diagnostics;
        auto backend = descriptor().configure(conf(), diagnostics);
        for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
        return backend;
    }

  private:
    static std::string unique_name() {
        static int count = 0;
        return "contract_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    }

    Product product_;
    std::string name_;
    std::unique_ptr<Shell> admin_;
    std::unique_ptr<Shell> shell_;
};

}  // namespace keepmq::mysql::test
