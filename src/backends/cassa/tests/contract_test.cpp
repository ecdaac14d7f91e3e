// The suite that every database must pass: on our tables, and on those of EMQ X.

#include <array>

#include "backends/cassa/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::cassa::test {
namespace {

using store::testing::Presence;

const auto* const own_keyspace = testing::AddGlobalTestEnvironment(new OwnKeyspace);

class CassandraSubject : public store::testing::ContractSubject {
  public:
    store::testing::Capabilities capabilities() const override {
        return {.sub_second_time = false,
                .atomic_batches = false,
                .refuses_alone = true,
                .order_across_topics = false,
                .keeps_created = false};
    }

    std::shared_ptr<const store::Backend> fresh() override {
        auto backend = reopen();
        // Made once: a new table takes the server a second.
        static std::string made;
        if (made != name()) {
            for (const auto* table : tables)
                shell_.run(std::string{"drop table if exists "} + table + ";");
            make_tables(*backend);
            shell_.run(
                "create table samples (key text primary key, value blob);\n"
                "create table samples2 (key text primary key, value blob);");
            made = name();
        } else {
            std::vector<Command> commands;
            for (const auto* table : tables)
                commands.push_back({std::string{"truncate "} + table, {}});
            shell_.run_at_once(std::move(commands));
        }
        return backend;
    }

    std::shared_ptr<const store::Backend> reopen() override { return make_backend(); }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        shell_.rows("insert into sub (" + client_column() + ", topic, qos) values (?, ?, ?)",
                    {client.view(), filter.view(), std::int64_t{qos}});
    }

    std::optional<Presence> presence(const ClientId& client) override {
        return sql::testing::first_presence(
            shell_.rows("select state, node, connected, disconnected from client where " +
                            client_column() + " = ?",
                        {client.view()}),
            sql::testing::Created::no);
    }

    std::optional<store::Op> poison() override {
        return execute({{"insert into samples (key) values (", ")"}}, {std::monostate{}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{"insert into samples (key, value) values (", ", ", ")"},
                        {"insert into samples2 (key, value) values (", ", ", ")"}})
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        const bool second = key.ends_with(".2");
        return sql::testing::first_value(
            shell_.rows(second ? "select value from samples2 where key = ?"
                               : "select value from samples where key = ?",
                        {second ? key.substr(0, key.size() - 2) : key}));
    }

  protected:
    static constexpr std::array tables{
        "client", "sub", "msg", "retain", "acked", "samples", "samples2"};

    virtual std::string name() const { return "ours"; }
    virtual std::string client_column() const { return "clientid"; }
    virtual void make_tables(const store::Backend& backend) { expect_ok(backend.create_schema()); }

    Shell shell_;
};

/// The tables of EMQ X's documents up to 4.2: payload is text, a retained message is in msg.
class EmqxSubject final : public CassandraSubject {
  public:
    store::testing::Capabilities capabilities() const override {
        auto out = CassandraSubject::capabilities();
        out.binary_payloads = false;
        out.retained_apart = false;
        return out;
    }

  protected:
    std::string name() const override { return "EMQ X"; }
    std::string client_column() const override { return "client_id"; }
    void make_tables(const store::Backend& /*backend*/) override {
        shell_.run(text_of_file(std::string{KEEPMQ_TEST_DATA_DIR} + "/ddl/emqx.cql"));
    }
};

}  // namespace
}  // namespace keepmq::cassa::test

KEEPMQ_BACKEND_CONTRACT(Cassandra,
                        [] { return std::make_unique<keepmq::cassa::test::CassandraSubject>(); })

KEEPMQ_BACKEND_CONTRACT(CassandraTablesOfEmqx,
                        [] { return std::make_unique<keepmq::cassa::test::EmqxSubject>(); })
