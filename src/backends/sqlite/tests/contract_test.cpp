// The suite that every database must pass, on a file in a temporary directory.

#include "backends/sqlite/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::sqlite::test {
namespace {

using store::testing::Presence;

class SqliteSubject final : public store::testing::ContractSubject {
  public:
    std::shared_ptr<const store::Backend> fresh() override {
        auto backend = reopen();
        expect_ok(backend->create_schema());
        shell_ = std::make_unique<Shell>(dir_.file("keepmq.db"));
        shell_->run("create table samples (key text not null, value blob)");
        return backend;
    }

    std::shared_ptr<const store::Backend> reopen() override { return make_backend(dir_.path()); }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        expect_ok(shell_->database().run(
            "insert into mqtt_sub (clientid, topic, qos) values (?1, ?2, ?3)",
            std::vector<Param>{client.view(), filter.view(), std::int64_t{qos}}));
    }

    std::optional<Presence> presence(const ClientId& client) override {
        return sql::testing::first_presence(
            shell_->rows("select state, node, online_at, offline_at, created from mqtt_client "
                         "where clientid = ?1",
                         {client.view()},
                         5));
    }

    std::optional<store::Op> poison() override {
        return execute({{"insert into samples (key) values (", ")"}}, {std::monostate{}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{"insert into samples values (", ", ", ")"},
                        {"insert into samples values (", " || '.2', ", ")"}})
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        return sql::testing::first_value(
            shell_->rows("select value from samples where key = ?1", {key}));
    }

  private:
    TempDir dir_;
    std::unique_ptr<Shell> shell_;
};

}  // namespace
}  // namespace keepmq::sqlite::test

KEEPMQ_BACKEND_CONTRACT(Sqlite,
                        [] { return std::make_unique<keepmq::sqlite::test::SqliteSubject>(); })
