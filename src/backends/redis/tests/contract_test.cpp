// The suite that every database must pass, on the server that KEEPMQ_TEST_REDIS names.

#include "backends/redis/tests/support.hpp"
#include "store/testing/backend_contract.hpp"

namespace keepmq::redis::test {
namespace {

using store::testing::Presence;

std::optional<WallTime> time_of(const Answer& seconds) {
    if (seconds.kind != Answer::Kind::text || seconds.text == "undefined")
        return std::nullopt;
    return WallTime{std::chrono::seconds{std::stoll(seconds.text)}};
}

class RedisSubject final : public store::testing::ContractSubject {
  public:
    store::testing::Capabilities capabilities() const override {
        return {.sub_second_time = false,
                .atomic_batches = false,
                .refuses_alone = true,
                .records_earliest = false,
                .keeps_created = false};
    }

    std::shared_ptr<const store::Backend> fresh() override {
        shell_.run({"FLUSHDB"});
        return reopen();
    }

    std::shared_ptr<const store::Backend> reopen() override { return make_backend(); }

    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        shell_.run({"HSET", "mqtt:sub:" + client.str(), filter.str(), std::to_string(qos)});
    }

    std::optional<Presence> presence(const ClientId& client) override {
        const auto key = "mqtt:client:" + client.str();
        if (shell_.run({"EXISTS", key}).integer == 0)
            return std::nullopt;
        Presence row;
        row.online = shell_.run({"HGET", key, "state"}).text == "1";
        row.online_at = time_of(shell_.run({"HGET", key, "online_at"}));
        row.offline_at = time_of(shell_.run({"HGET", key, "offline_at"}));
        // The newest of the nodes that say they have the client.
        std::int64_t newest = -1;
        for (const auto& node : shell_.run({"KEYS", "mqtt:node:*"}).list) {
            const auto since = time_of(shell_.run({"HGET", node.text, client.str()}));
            if (since && since->time_since_epoch().count() > newest) {
                newest = since->time_since_epoch().count();
                row.node = node.text.substr(std::string_view{"mqtt:node:"}.size());
            }
        }
        return row;
    }

    std::optional<store::Op> poison() override {
        return execute({{"SET key value no-such-option"}});
    }

    std::shared_ptr<const store::Statements> sample_statements() override {
        return execute({{"SET sample:", " ", ""}, {"SET sample:", ".2 ", ""}}).statements;
    }

    std::optional<std::string> sample_value(std::string_view key) override {
        auto value = shell_.run({"GET", "sample:" + std::string{key}});
        // There is no NULL: an absent value is an empty text.
        if (value.kind != Answer::Kind::text || value.text.empty())
            return std::nullopt;
        return value.text;
    }

  private:
    Shell shell_;
};

}  // namespace
}  // namespace keepmq::redis::test

KEEPMQ_BACKEND_CONTRACT(Redis, [] { return std::make_unique<keepmq::redis::test::RedisSubject>(); })
