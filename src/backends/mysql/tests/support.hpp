#pragma once
// What the tests of this backend share: a database of its own on a real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/mysql/backend.hpp"
#include "backends/mysql/database.hpp"
#include "backends/mysql/schema.hpp"
#include "sql/testing/words.hpp"
#include "store/testing/words.hpp"

namespace keepmq::mysql::test {

using namespace store::testing;
using sql::testing::first_column;
using sql::testing::rows_of;

inline store::PoolConf pool_conf(Properties properties = {}) {
    return store::testing::pool_conf(descriptor(), properties, "/etc/keepmq/plugins");
}

enum class Product { mariadb, mysql };

inline std::string to_string(Product product) {
    return product == Product::mariadb ? "MariaDb" : "MySql";
}

inline std::string address_of(Product product) {
    return store::testing::address_of(product == Product::mariadb ? "mariadb" : "mysql");
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
        return database_ ? rows_of(database_->query({sql, std::move(params)})) : sql::Rows{0};
    }
    std::string ask(const std::string& sql) { return first_column(rows(sql)); }

  private:
    Interrupt interrupt_;
    std::unique_ptr<Database> database_;
};

/// A file with tables, below tests/tables.
inline std::string tables(const std::string& name) {
    return text_of_file(std::string{KEEPMQ_TEST_DATA_DIR} + "/tables/" + name);
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
        return make_backend(descriptor(), conf());
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
