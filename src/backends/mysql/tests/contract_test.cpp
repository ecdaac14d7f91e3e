// The suite that every database must pass, on MariaDB and MySQL: with our tables, and with those of
// EMQ X as far as their columns can hold what is asked.

#include <map>

#include "backends/mysql/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::mysql::test {
namespace {

using store::testing::Capabilities;
using store::testing::Presence;

class MysqlSubject : public store::testing::ContractSubject {
  public:
    explicit MysqlSubject(Product product) : product_{product} {}

    std::shared_ptr<const store::Backend> fresh() override {
        // One database for all cases: making the tables takes much longer than emptying them.
        static std::map<std::pair<Product, std::string>, std::unique_ptr<TestDatabase>> made;
        auto& database = made[{product_, script()}];
        if (!database) {
            database = std::make_unique<TestDatabase>(product_, script());
            database->shell().run(
                "create table samples (name varchar(100) not null, value longblob) charset "
                "utf8mb4");
        }
        database_ = database.get();
        for (const char* table :
             {"mqtt_client", "mqtt_sub", "mqtt_msg", "mqtt_retain", "mqtt_acked", "samples"})
            database_->shell().run(std::string{"delete from "} + table);
        return database_->backend();
    }
    std::shared_ptr<const store::Backend> reopen() override { return database_->backend(); }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        database_->shell().run("insert into mqtt_sub (clientid, topic, qos) values (?1, ?2, ?3)",
                               {client.view(), filter.view(), std::int64_t{qos}});
    }

    std::optional<Presence> presence(const ClientId& client) override {
        return sql::testing::first_presence(database_->shell().rows(
            "select state, node, online_at, offline_at, created from mqtt_client "
            "where cast(clientid as binary) = cast(?1 as binary)",
            {client.view()}));
    }

    std::optional<store::Op> poison() override {
        return execute({{"insert into samples (name) values (", ")"}}, {std::monostate{}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{"insert into samples values (", ", ", ")"},
                        {"insert into samples values (concat(", ", '.2'), ", ")"}})
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        return sql::testing::first_value(
            database_->shell().rows("select value from samples where name = ?1", {key}));
    }

  protected:
    [[nodiscard]] virtual std::string script() const { return std::string{schema_script()}; }

  private:
    Product product_;
    TestDatabase* database_ = nullptr;
};

class EmqxSubject final : public MysqlSubject {
  public:
    using MysqlSubject::MysqlSubject;

    Capabilities capabilities() const override {
        Capabilities can;
        can.sub_second_time = false;
        can.case_sensitive_keys = false;
        can.longest_topic = 64;  // the client identifiers; topics have 180 characters
        can.largest_payload = 65535;
        return can;
    }

  protected:
    std::string script() const override { return tables("emqx_4_4.sql"); }
};

template <class Subject>
store::testing::SubjectFactory on(Product product) {
    return [product] { return std::make_unique<Subject>(product); };
}

}  // namespace

store::testing::SubjectFactory ours_on(Product product) {
    return on<MysqlSubject>(product);
}
store::testing::SubjectFactory emqx_on(Product product) {
    return on<EmqxSubject>(product);
}

}  // namespace keepmq::mysql::test

using keepmq::mysql::test::Product;

KEEPMQ_BACKEND_CONTRACT(MariaDb, keepmq::mysql::test::ours_on(Product::mariadb))
KEEPMQ_BACKEND_CONTRACT(MySql, keepmq::mysql::test::ours_on(Product::mysql))
KEEPMQ_BACKEND_CONTRACT(EmqxTablesInMariaDb, keepmq::mysql::test::emqx_on(Product::mariadb))
KEEPMQ_BACKEND_CONTRACT(EmqxTablesInMySql, keepmq::mysql::test::emqx_on(Product::mysql))
