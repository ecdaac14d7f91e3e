// The suite that every database must pass: on our tables, and on those of EMQ X.

#include "backends/pgsql/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::pgsql::test {
namespace {

using store::testing::Presence;

const auto* const own_database = testing::AddGlobalTestEnvironment(new OwnDatabase);

class PgSubject : public store::testing::ContractSubject {
  public:
    std::shared_ptr<const store::Backend> fresh() override {
        OwnDatabase::empty();
        auto backend = reopen();
        make_tables(*backend);
        shell_ = std::make_unique<Shell>();
        shell_->run("create table samples (key text not null, value bytea)");
        return backend;
    }

    std::shared_ptr<const store::Backend> reopen() override { return make_backend(); }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        shell_->rows("insert into mqtt_sub (clientid, topic, qos) values (?1, ?2, ?3)",
                     {client.view(), filter.view(), std::int64_t{qos}});
    }

    std::optional<Presence> presence(const ClientId& client) override {
        return sql::testing::first_presence(
            shell_->rows("select state, node, online_at, offline_at, created from mqtt_client "
                         "where clientid = ?1",
                         {client.view()}));
    }

    std::optional<store::Op> poison() override {
        return execute({{"insert into samples (key) values (", ")"}}, {std::monostate{}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{"insert into samples (key, value) values (", ", ", ")"},
                        {"insert into samples (key, value) values (", " || '.2', ", ")"}})
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        return sql::testing::first_value(
            shell_->rows("select value from samples where key = ?1", {key}));
    }

  protected:
    virtual void make_tables(const store::Backend& backend) { expect_ok(backend.create_schema()); }

    std::unique_ptr<Shell> shell_;
};

/// The tables of EMQ X's Chinese documents: short names, payload is text, no key on msgid.
class EmqxSubject final : public PgSubject {
  public:
    store::testing::Capabilities capabilities() const override {
        return {.binary_payloads = false, .longest_topic = 64};
    }

  protected:
    void make_tables(const store::Backend&) override {
        Shell{}.run(text_of_file(std::string{KEEPMQ_TEST_DATA_DIR} + "/ddl/zh.sql"));
    }
};

}  // namespace
}  // namespace keepmq::pgsql::test

KEEPMQ_BACKEND_CONTRACT(Pgsql, [] { return std::make_unique<keepmq::pgsql::test::PgSubject>(); })

KEEPMQ_BACKEND_CONTRACT(PgsqlTablesOfEmqx,
                        [] { return std::make_unique<keepmq::pgsql::test::EmqxSubject>(); })
