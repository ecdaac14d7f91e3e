// The suite that every database must pass, on FerretDB and on mongo-java-server.

#include "backends/mongo/records.hpp"
#include "backends/mongo/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::mongo::test {
namespace {

using store::testing::Presence;

std::optional<WallTime> time_of(const std::optional<Field>& seconds) {
    const auto number = seconds ? seconds->integer() : std::nullopt;
    return number ? std::optional{WallTime{std::chrono::seconds{*number}}} : std::nullopt;
}

class MongoSubject : public store::testing::ContractSubject {
  public:
    explicit MongoSubject(const char* server) : server_{server}, shell_{server} {}

    store::testing::Capabilities capabilities() const override {
        return {.sub_second_time = false,
                .atomic_batches = false,
                .refuses_alone = true,
                .keeps_created = false};
    }

    std::shared_ptr<const store::Backend> fresh() override {
        // Emptied, not dropped: making indexes takes longer.
        for (const auto collection : {collections::clients,
                                      collections::subscriptions,
                                      collections::messages,
                                      collections::retained,
                                      collections::positions,
                                      std::string_view{"samples"}})
            shell_.clear(collection);
        return reopen();
    }
    std::shared_ptr<const store::Backend> reopen() override {
        return make_backend(descriptor(), conf_of(server_));
    }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        shell_.insert(collections::subscriptions,
                      Document{}
                          .text("clientid", client.view())
                          .text("topic", filter.view())
                          .integer("qos", qos));
    }

    std::optional<Presence> presence(const ClientId& client) override {
        const auto found =
            shell_.find(collections::clients, Document{}.text("clientid", client.view()));
        if (found.empty())
            return std::nullopt;
        EXPECT_EQ(found.size(), 1U);
        const auto& row = found.front();
        return Presence{.online = number_of(row, "state") == 1,
                        .node = std::string{find(row, "node")->value},
                        .online_at = time_of(find(row, "online_at")),
                        .offline_at = time_of(find(row, "offline_at")),
                        .created = {}};
    }

    std::optional<store::Op> poison() override {
        // The identifier of a document cannot be a list.
        return execute({{R"({"collection":"samples","document":{"_id":[1]}})"}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{R"({"collection":"samples","document":{"part":1,"key":)",
                         R"(,"value":)",
                         "}}"},
                        {R"({"collection":"samples","document":{"part":2,"key":)",
                         R"(,"value":)",
                         "}}"}})
            .statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        const bool second = key.ends_with(".2");
        const auto found =
            shell_.find("samples",
                        Document{}
                            .text("key", second ? key.substr(0, key.size() - 2) : key)
                            .integer("part", second ? 2 : 1));
        const auto value = found.empty() ? std::nullopt : find(found.front(), "value");
        if (!value || value->kind == Kind::null)
            return std::nullopt;
        return std::string{value->value};
    }

  private:
    const char* server_;
    Shell shell_;
};

}  // namespace
}  // namespace keepmq::mongo::test

KEEPMQ_BACKEND_CONTRACT(FerretDb, [] {
    return std::make_unique<keepmq::mongo::test::MongoSubject>(keepmq::mongo::test::ferretdb);
})
KEEPMQ_BACKEND_CONTRACT(MongoJava, [] {
    return std::make_unique<keepmq::mongo::test::MongoSubject>(keepmq::mongo::test::mongojava);
})
