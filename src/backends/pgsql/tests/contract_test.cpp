// The suite that every database must pass: on our tables, and on those of EMQ X.

#include <fstream>
#include <sstream>

#include "backends/pgsql/tests/support.hpp"
#include "sql/columns.hpp"
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
        const auto rows = shell_->rows(
            "select state, node, online_at, offline_at, created from mqtt_client "
            "where clientid = ?1",
            {client.view()});
        if (rows.size() == 0)
            return std::nullopt;
        return Presence{.online = rows.integer(0, 0) == 1,
                        .node = std::string{rows.bytes(0, 1)},
                        .online_at = sql::parse_time(rows.bytes(0, 2)),
                        .offline_at = sql::parse_time(rows.bytes(0, 3)),
                        .created = sql::parse_time(rows.bytes(0, 4))};
    }

    std::optional<store::Op> poison() override {
        return execute({{"insert into samples (key) values (", ")"}}, {std::monostate{}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return std::get<store::Execute>(
                   execute({{"insert into samples (key, value) values (", ", ", ")"},
                            {"insert into samples (key, value) values (", " || '.2', ", ")"}}))
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        const auto rows = shell_->rows("select value from samples where key = ?1", {key});
        if (rows.size() == 0 || rows.is_null(0, 0))
            return std::nullopt;
        return std::string{rows.bytes(0, 0)};
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
        std::ifstream file{std::string{KEEPMQ_TEST_DATA_DIR} + "/ddl/zh.sql"};
        std::stringstream script;
        script << file.rdbuf();
        Shell{}.run(script.str());
    }
};

}  // namespace
}  // namespace keepmq::pgsql::test

KEEPMQ_BACKEND_CONTRACT(Pgsql, [] { return std::make_unique<keepmq::pgsql::test::PgSubject>(); })

namespace keepmq::store::testing {
INSTANTIATE_TEST_SUITE_P(PgsqlTablesOfEmqx,
                         BackendContract,
                         ::testing::Values(with_all_cases([] {
                             return std::make_unique<pgsql::test::EmqxSubject>();
                         })),
                         [](const auto&) { return std::string{"db"}; });
}  // namespace keepmq::store::testing
