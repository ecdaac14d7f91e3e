#include "hooks/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hooks/tests/conf.hpp"
#include "hooks/tests/events.hpp"
#include "store/pool.hpp"

namespace keepmq::hooks {
namespace {

using store::Value;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> names(const std::vector<Write>& writes) {
    std::vector<std::string> all;
    for (const auto& write : writes)
        all.push_back(std::string{store::name_of(write.op)} + (write.awaited ? "!" : ""));
    return all;
}

std::shared_ptr<const RuleSet> rules_of(const RuleLines& lines) {
    auto loaded = load(lines);
    EXPECT_NE(loaded.rules, nullptr);
    for (const auto& problem : loaded.problems)
        EXPECT_EQ(problem.find("error"), std::string::npos) << problem;
    return loaded.rules;
}

const RuleLines shipped{
    {"client.connected.1", R"("action": {"function": "on_client_connected"})"},
    {"session.created.1", R"("action": {"function": "on_subscribe_lookup"})"},
    {"client.disconnected.1", R"("action": {"function": "on_client_disconnected"})"},
    {"session.subscribed.1", function("on_message_fetch")},
    {"session.subscribed.2", function("on_retain_lookup")},
    {"session.unsubscribed.1", function("on_acked_delete")},
    {"message.publish.1", function("on_message_publish")},
    {"message.publish.2", function("on_message_retain")},
    {"message.publish.3", function("on_retain_delete")},
    {"message.acked.1", function("on_message_acked")}};

PublishPlan publish(const RuleSet& rules, const std::shared_ptr<Message>& message) {
    PublishPlan plan;
    rules.on_publish(message, plan);
    return plan;
}

SubscribePlan subscribe(const RuleSet& rules,
                        const char* filter,
                        Qos qos = Qos::at_least_once,
                        bool shared = false) {
    SubscribePlan plan;
    rules.on_subscribed({some_client(), at_noon, TopicFilter{filter}, shared, qos}, plan);
    return plan;
}

const store::RuleStats& stats(const RuleSet& rules, std::string_view name) {
    for (const auto& rule : rules.rules()) {
        if (rule.context->name == name)
            return rule.context->stats;
    }
    throw std::runtime_error{"no rule " + std::string{name}};
}

// --- clients -----------------------------------------------------------------------------------

TEST(Rules, PresenceFollowsTheClient) {
    const auto rules = rules_of(shipped);
    ConnectPlan plan;
    rules->on_connected({some_client(), at_noon}, plan);
    ASSERT_THAT(plan.writes, SizeIs(1));
    const auto& online = std::get<store::ClientOnline>(plan.writes[0].op);
    EXPECT_EQ(online.client, ClientId{"c1"});
    EXPECT_EQ(online.node, "keepmq@host");
    EXPECT_EQ(online.at, at_noon);
    EXPECT_FALSE(plan.writes[0].awaited);
    EXPECT_EQ(plan.writes[0].order.key, store::order_key("c1"));

    std::vector<Write> writes;
    rules->on_disconnected({some_client(), at_noon, at_noon - std::chrono::seconds{5}, "normal"},
                           writes);
    ASSERT_THAT(writes, SizeIs(1));
    const auto& offline = std::get<store::ClientOffline>(writes[0].op);
    EXPECT_EQ(offline.connected_at, at_noon - std::chrono::seconds{5});
    EXPECT_EQ(writes[0].order.key, store::order_key("c1"));
}

TEST(Rules, LookupsRunOnEveryConnectOncePerPool) {
    const std::string lookup = R"("action": {"function": "on_subscribe_lookup"})";
    const auto rules = rules_of({{"client.connected.2", lookup},
                                 {"session.created.1", lookup},
                                 {"session.resumed.1", lookup},
                                 {"session.created.2", lookup + R"(, "pool": "pool2")"}});
    ConnectPlan plan;
    rules->on_connected({some_client(), at_noon}, plan);
    rules->on_session(SessionCreated{some_client(), at_noon}, plan);
    ASSERT_THAT(plan.lookups, SizeIs(2));
    EXPECT_EQ(plan.lookups[0].pool, 0U);
    EXPECT_EQ(plan.lookups[1].pool, 1U);
    EXPECT_TRUE(rules->listens(Hook::client_connected));
}

TEST(Rules, LookupsCanKeepToTheirHook) {
    const auto rules =
        rules_of({{"session.created.1", R"("action": {"function": "on_subscribe_lookup"})"}});
    ConnectPlan plan;
    rules->on_connected({some_client(), at_noon}, plan, Lookups::as_bound);
    rules->on_session(SessionResumed{some_client(), at_noon}, plan, Lookups::as_bound);
    EXPECT_THAT(plan.lookups, IsEmpty());
    rules->on_session(SessionCreated{some_client(), at_noon}, plan, Lookups::as_bound);
    rules->on_session(SessionCreated{some_client(), at_noon}, plan, Lookups::as_bound);
    EXPECT_THAT(plan.lookups, SizeIs(1));
}

TEST(Rules, SessionStatementsRunOnTheirHookOnly) {
    const auto rules = rules_of({{"session.created.1", sql("a ${clientid}")},
                                 {"session.terminated.1", sql("b ${reason}")}});
    ConnectPlan plan;
    rules->on_session(SessionResumed{some_client(), at_noon}, plan);
    rules->on_session(ClientConnected{some_client(), at_noon}, plan);
    EXPECT_THAT(plan.writes, IsEmpty());
    rules->on_session(SessionCreated{some_client(), at_noon}, plan);
    rules->on_session(SessionTerminated{some_client(), at_noon, "expired"}, plan);
    ASSERT_THAT(plan.writes, SizeIs(2));
    EXPECT_THAT(std::get<store::Execute>(plan.writes[0].op).values, ElementsAre(Value{"c1"}));
    EXPECT_THAT(std::get<store::Execute>(plan.writes[1].op).values, ElementsAre(Value{"expired"}));
    EXPECT_EQ(plan.writes[1].order.key, store::order_key("c1"));
}

// --- subscriptions -----------------------------------------------------------------------------

TEST(Rules, SubscriptionFetchesAndInitialisesItsPosition) {
    const auto rules = rules_of(shipped);
    const auto plan = subscribe(*rules, "a/b");
    EXPECT_THAT(names(plan.writes), ElementsAre("init_cursor!"));
    const auto& init = std::get<store::InitCursor>(plan.writes[0].op);
    EXPECT_EQ(init.client, ClientId{"c1"});
    EXPECT_EQ(init.filter, TopicFilter{"a/b"});
    EXPECT_EQ(init.from, store::FetchFrom::earliest);
    EXPECT_EQ(plan.writes[0].order.key, store::order_key("a/b"));
    EXPECT_FALSE(plan.writes[0].order.after_all);
    ASSERT_TRUE(plan.fetch);
    EXPECT_EQ(plan.fetch->mode, store::FetchMode::after_cursor);
    EXPECT_THAT(plan.retained, SizeIs(1));
}

TEST(Rules, WildcardStartsAtTheNewestOfAllLanes) {
    const auto plan = subscribe(*rules_of(shipped), "a/+");
    ASSERT_THAT(plan.writes, SizeIs(1));
    EXPECT_EQ(std::get<store::InitCursor>(plan.writes[0].op).from, store::FetchFrom::latest);
    EXPECT_TRUE(plan.writes[0].order.after_all);
    EXPECT_TRUE(plan.fetch);
}

TEST(Rules, FetchFromLatestIsTaken) {
    const auto rules = rules_of(
        {{"session.subscribed.1", function("on_message_fetch") + R"(, "fetch_from": "latest")"}});
    EXPECT_EQ(std::get<store::InitCursor>(subscribe(*rules, "a").writes.at(0).op).from,
              store::FetchFrom::latest);
}

TEST(Rules, NoFetchForQos0OrSharedSubscriptions) {
    const auto rules = rules_of(shipped);
    const auto plain = subscribe(*rules, "a", Qos::at_most_once);
    EXPECT_THAT(plain.writes, IsEmpty());
    EXPECT_FALSE(plain.fetch);
    EXPECT_THAT(plain.retained, SizeIs(1));
    const auto shared = subscribe(*rules, "a", Qos::at_least_once, true);
    EXPECT_THAT(shared.writes, IsEmpty());
    EXPECT_FALSE(shared.fetch);
    EXPECT_THAT(shared.retained, IsEmpty());
    EXPECT_EQ(stats(*rules, "mysql session.subscribed.1").hits, 2U);
    EXPECT_EQ(stats(*rules, "mysql session.subscribed.1").not_applicable, 2U);
    EXPECT_EQ(stats(*rules, "mysql session.subscribed.2").not_applicable, 1U);
}

TEST(Rules, ASessionThatGoesOnFetchesAndRunsNoStatement) {
    auto lines = shipped;
    lines.push_back({"session.subscribed.3", sql("insert ${clientid} ${topic}")});
    const auto rules = rules_of(lines);
    EXPECT_THAT(names(subscribe(*rules, "a").writes), ElementsAre("init_cursor!", "execute"));
    SubscribePlan plan;
    rules->on_subscribed({some_client(), at_noon, TopicFilter{"a"}, false, Qos::at_least_once},
                         plan,
                         Subscribing::before);
    EXPECT_THAT(names(plan.writes), ElementsAre("init_cursor!"));
    EXPECT_TRUE(plan.fetch);
    EXPECT_EQ(stats(*rules, "mysql session.subscribed.3").not_applicable, 1U);
}

TEST(Rules, QueueHasNoPositionAndLatestHas) {
    const auto rules = rules_of(
        {{"session.subscribed.1", function("on_message_fetch_for_queue", "queue/#")},
         {"session.subscribed.2", function("on_message_fetch_for_keep_latest", "last/#")}});
    const auto queue = subscribe(*rules, "queue/a");
    EXPECT_THAT(queue.writes, IsEmpty());
    EXPECT_EQ(queue.fetch.value().mode, store::FetchMode::queue);
    const auto last = subscribe(*rules, "last/a");
    EXPECT_THAT(names(last.writes), ElementsAre("init_cursor!"));
    EXPECT_EQ(last.fetch.value().mode, store::FetchMode::latest);
    EXPECT_FALSE(subscribe(*rules, "other").fetch);
}

TEST(Rules, FilterIsComparedAsText) {
    const auto rules = rules_of({{"session.subscribed.1", function("on_message_fetch", "queue/#")},
                                 {"session.subscribed.2", function("on_message_fetch", "one/a")}});
    EXPECT_TRUE(subscribe(*rules, "queue/+").fetch);
    EXPECT_TRUE(subscribe(*rules, "queue/#").fetch);
    EXPECT_TRUE(subscribe(*rules, "queue").fetch);
    EXPECT_FALSE(subscribe(*rules, "#").fetch);
    EXPECT_FALSE(subscribe(*rules, "one/+").fetch);
    EXPECT_FALSE(subscribe(*rules, "queues/a").fetch);
}

TEST(Rules, OnlyOneFetchAndOneRetainedLookupPerPool) {
    const auto rules =
        rules_of({{"session.subscribed.1", function("on_message_fetch")},
                  {"session.subscribed.2", function("on_message_fetch", "a/#")},
                  {"session.subscribed.3", function("on_retain_lookup")},
                  {"session.subscribed.4", function("on_retain_lookup", "a/#")},
                  {"session.subscribed.5", function("on_retain_lookup") + R"(, "pool": "pool2")"}});
    const auto plan = subscribe(*rules, "a/b");
    EXPECT_THAT(names(plan.writes), ElementsAre("init_cursor!"));
    EXPECT_THAT(plan.retained, SizeIs(2));
}

TEST(Rules, LimitsTravelWithTheFetch) {
    const auto rules =
        rules_of({{"session.subscribed.1",
                   function("on_message_fetch") +
                       R"(, "offline_opts": {"max_returned_count": 5, "time_range": "2h"})"}});
    const auto plan = subscribe(*rules, "a");
    EXPECT_EQ(plan.fetch.value().max_returned_count, 5U);
    EXPECT_EQ(plan.fetch.value().time_range, std::chrono::hours{2});
    EXPECT_EQ(plan.fetch.value().rule->name, "mysql session.subscribed.1");
}

TEST(Rules, UnsubscribeForgetsThePosition) {
    auto lines = shipped;
    lines.push_back({"session.unsubscribed.2", sql("delete ${clientid} ${topic}")});
    const auto rules = rules_of(lines);
    std::vector<Write> writes;
    rules->on_unsubscribed({some_client(), at_noon, TopicFilter{"a/+"}, false}, writes);
    EXPECT_THAT(names(writes), ElementsAre("delete_cursor", "execute"));
    EXPECT_EQ(std::get<store::DeleteCursor>(writes[0].op).filter, TopicFilter{"a/+"});
    EXPECT_EQ(writes[0].order.key, store::order_key("a/+"));
    EXPECT_EQ(writes[1].order.key, store::order_key("a/+"));
    writes.clear();
    rules->on_unsubscribed({some_client(), at_noon, TopicFilter{"a"}, true}, writes);
    EXPECT_THAT(names(writes), ElementsAre("execute"));
}

TEST(Rules, APositionIsForgottenOnce) {
    const auto rules = rules_of({{"session.unsubscribed.1", function("on_acked_delete")},
                                 {"session.unsubscribed.2", function("on_acked_delete", "a/#")}});
    std::vector<Write> writes;
    rules->on_unsubscribed({some_client(), at_noon, TopicFilter{"a/b"}, false}, writes);
    EXPECT_THAT(names(writes), ElementsAre("delete_cursor"));
    EXPECT_EQ(stats(*rules, "mysql session.unsubscribed.2").not_applicable, 1U);
}

// --- messages ----------------------------------------------------------------------------------

TEST(Rules, PublishStoresAndIsAwaited) {
    const auto rules = rules_of(shipped);
    const auto message = some_message();
    const auto plan = publish(*rules, message);
    EXPECT_THAT(names(plan.writes), ElementsAre("store_message!"));
    EXPECT_TRUE(message->stored);
    EXPECT_FALSE(plan.deliver_after_commit);
    EXPECT_EQ(plan.writes[0].order.key, store::order_key("a/b"));
    EXPECT_EQ(std::get<store::StoreMessage>(plan.writes[0].op).message, message);
    EXPECT_EQ(plan.writes[0].rule->name, "mysql message.publish.1");
}

TEST(Rules, Qos0IsNotStoredByPublish) {
    const auto rules = rules_of(shipped);
    const auto message = some_message("a", Qos::at_most_once);
    EXPECT_THAT(publish(*rules, message).writes, IsEmpty());
    EXPECT_FALSE(message->stored);
    EXPECT_EQ(stats(*rules, "mysql message.publish.1").not_applicable, 1U);
}

TEST(Rules, StoreTakesAnyQosAndWaitsForNone) {
    const auto rules = rules_of({{"message.publish.4", function("on_message_store")}});
    const auto message = some_message("a", Qos::at_most_once);
    EXPECT_THAT(names(publish(*rules, message).writes), ElementsAre("store_message"));
    EXPECT_TRUE(message->stored);
}

TEST(Rules, PublishAndStoreTogetherStoreOnce) {
    const auto rules = rules_of({{"message.publish.1", function("on_message_publish")},
                                 {"message.publish.4", function("on_message_store")}});
    EXPECT_THAT(publish(*rules, some_message()).writes, SizeIs(1));
    EXPECT_THAT(publish(*rules, some_message("a", Qos::at_most_once)).writes, SizeIs(1));
    EXPECT_EQ(stats(*rules, "mysql message.publish.4").not_applicable, 1U);
}

TEST(Rules, CopiesGoToEveryPool) {
    const auto rules =
        rules_of({{"message.publish.1", function("on_message_publish")},
                  {"message.publish.2", function("on_message_publish") + R"(, "pool": "pool2")"}});
    const auto plan = publish(*rules, some_message());
    ASSERT_THAT(plan.writes, SizeIs(2));
    EXPECT_EQ(plan.writes[1].pool, 1U);
}

TEST(Rules, KeepLatest) {
    const auto rules =
        rules_of({{"message.publish.1",
                   function("on_message_store_keep_latest") + R"(, "expired_time": 9)"}});
    const auto plan = publish(*rules, some_message());
    const auto& op = std::get<store::StoreMessage>(plan.writes.at(0).op);
    EXPECT_EQ(op.keep, store::Keep::latest);
    EXPECT_EQ(op.time_to_live, std::chrono::seconds{9});
    EXPECT_THAT(publish(*rules, some_message("a", Qos::at_most_once)).writes, IsEmpty());
}

TEST(Rules, RetainedMessagesOfAnyQos) {
    const auto rules = rules_of(shipped);
    auto message = some_message("a", Qos::at_most_once);
    message->retain = true;
    EXPECT_THAT(names(publish(*rules, message).writes), ElementsAre("store_retained"));
    EXPECT_FALSE(message->stored);
    message = some_message();
    message->retain = true;
    EXPECT_THAT(names(publish(*rules, message).writes),
                ElementsAre("store_message!", "store_retained!"));
}

TEST(Rules, EmptyRetainedMessageDeletesAndIsNotStored) {
    auto lines = shipped;
    lines.push_back({"message.publish.4", function("on_message_store")});
    const auto rules = rules_of(lines);
    auto message = some_message();
    message->retain = true;
    message->payload.clear();
    EXPECT_THAT(names(publish(*rules, message).writes), ElementsAre("delete_retained!"));
    EXPECT_FALSE(message->stored);
    message->retain = false;
    EXPECT_THAT(names(publish(*rules, message).writes), ElementsAre("store_message!"));
}

TEST(Rules, DurabilityDecidesWhatWaits) {
    const auto with = [](const std::string& options) {
        return rules_of({{"message.publish.1", function("on_message_publish") + options}});
    };
    EXPECT_THAT(names(publish(*with(R"(, "durability": "enqueue")"), some_message()).writes),
                ElementsAre("store_message"));
    EXPECT_THAT(names(publish(*with(R"(, "durability": "none")"), some_message()).writes),
                ElementsAre("store_message"));
    EXPECT_TRUE(
        publish(*with(R"(, "deliver": "after_commit")"), some_message()).deliver_after_commit);
}

TEST(Rules, DeliveryAfterTheCommitHoldsForEveryQos) {
    const auto rules =
        rules_of({{"message.publish.1",
                   function("on_message_store", "held/#") + R"(, "deliver": "after_commit")"},
                  {"message.publish.2", function("on_message_store", "free/#")}});
    const auto held = publish(*rules, some_message("held/a", Qos::at_most_once));
    EXPECT_TRUE(held.deliver_after_commit);
    EXPECT_THAT(names(held.writes), ElementsAre("store_message!"));
    const auto free = publish(*rules, some_message("free/a", Qos::at_most_once));
    EXPECT_FALSE(free.deliver_after_commit);
    EXPECT_THAT(names(free.writes), ElementsAre("store_message"));
}

TEST(Rules, ARuleThatDoesNothingDoesNotHoldTheDelivery) {
    const auto rules = rules_of(
        {{"message.publish.1", function("on_message_publish") + R"(, "deliver": "after_commit")"}});
    const auto plan = publish(*rules, some_message("a", Qos::at_most_once));
    EXPECT_THAT(plan.writes, IsEmpty());
    EXPECT_FALSE(plan.deliver_after_commit);
}

TEST(Rules, StatementsRunForEveryQosAndWaitLikeStores) {
    const auto rules = rules_of({{"message.publish.1", sql("insert ${msgid} ${payload}")}});
    const auto message = some_message();
    const auto plan = publish(*rules, message);
    EXPECT_THAT(names(plan.writes), ElementsAre("execute!"));
    EXPECT_FALSE(message->stored);
    EXPECT_THAT(std::get<store::Execute>(plan.writes[0].op).values,
                ElementsAre(Value{message->id.to_string()}, Value{store::Bytes{"hello"}}));
    EXPECT_THAT(names(publish(*rules, some_message("a", Qos::at_most_once)).writes),
                ElementsAre("execute"));
}

TEST(Rules, HostileTextStaysAValue) {
    const auto rules =
        rules_of({{"message.publish.1", sql("insert into t values(${clientid}, ${topic})")}});
    const auto message = some_message("x'); drop table t; --${msgid}");
    message->sender = ClientId{"a' or '1'='1"};
    const auto plan = publish(*rules, message);
    const auto& op = std::get<store::Execute>(plan.writes.at(0).op);
    EXPECT_THAT(op.statements->list.at(0).pieces, ElementsAre("insert into t values(", ", ", ")"));
    EXPECT_THAT(op.values,
                ElementsAre(Value{"a' or '1'='1"}, Value{"x'); drop table t; --${msgid}"}));
}

TEST(Rules, SeveralStatementsShareOneListOfValues) {
    const auto rules = rules_of(
        {{"message.publish.1", R"("action": {"sql": ["a ${qos}", "b", "c ${topic} ${retain}"]})"}});
    const auto plan = publish(*rules, some_message());
    const auto& op = std::get<store::Execute>(plan.writes.at(0).op);
    EXPECT_THAT(op.statements->list, SizeIs(3));
    EXPECT_THAT(op.values,
                ElementsAre(Value{std::int64_t{1}}, Value{"a/b"}, Value{std::int64_t{0}}));
}

TEST(Rules, TopicsThatStartWithDollarAreNotForHash) {
    const auto rules = rules_of({{"message.publish.1", function("on_message_publish")},
                                 {"message.publish.2", sql("a ${topic}")}});
    EXPECT_THAT(names(publish(*rules, some_message("$SYS/x")).writes), ElementsAre("execute!"));
}

TEST(Rules, FiltersSelectMessages) {
    const auto rules = rules_of({{"message.publish.1", R"("topic": "exact/a", )" + sql("exact")},
                                 {"message.publish.2", R"("topic": "tree/#", )" + sql("tree")},
                                 {"message.publish.3", R"("topic": "+/a", )" + sql("plus")}});
    const auto matching = [&](const char* topic) {
        std::vector<std::string> all;
        for (const auto& write : publish(*rules, some_message(topic)).writes)
            all.push_back(std::get<store::Execute>(write.op).statements->list.at(0).source);
        return all;
    };
    EXPECT_THAT(matching("exact/a"), ElementsAre("exact", "plus"));
    EXPECT_THAT(matching("tree"), ElementsAre("tree"));
    EXPECT_THAT(matching("tree/a"), ElementsAre("tree", "plus"));
    EXPECT_THAT(matching("tree/a/b"), ElementsAre("tree"));
    EXPECT_THAT(matching("trees"), IsEmpty());
    EXPECT_THAT(matching("exact/a/"), IsEmpty());
}

TEST(Rules, DeliveriesAreCountedAndRunStatements) {
    const auto rules = rules_of({{"message.delivered.1", function("on_message_delivered")},
                                 {"message.deliver.2", sql("d ${clientid} ${msgid}")}});
    std::vector<Write> writes;
    rules->on_delivered({some_client(), at_noon, some_message(), Qos::at_most_once}, writes);
    EXPECT_THAT(names(writes), ElementsAre("execute"));
    EXPECT_EQ(stats(*rules, "mysql message.delivered.1").hits, 1U);
    EXPECT_EQ(std::get<store::Execute>(writes[0].op).values.at(0), Value{"c1"});
}

TEST(Rules, AckOfAQueueRemovesWhatIsStored) {
    const auto rules =
        rules_of({{"message.acked.1", function("on_message_acked_for_queue", "queue/#")},
                  {"message.acked.2", sql("a ${clientid}")}});
    auto message = some_message("queue/a");
    std::vector<Write> writes;
    rules->on_acked({some_client(), at_noon, message, Qos::at_least_once}, writes);
    EXPECT_THAT(names(writes), ElementsAre("execute"));
    message->stored = true;
    writes.clear();
    rules->on_acked({some_client(), at_noon, message, Qos::at_least_once}, writes);
    EXPECT_THAT(names(writes), ElementsAre("remove_message", "execute"));
    EXPECT_EQ(std::get<store::RemoveMessage>(writes[0].op).id, message->id);
    EXPECT_EQ(writes[1].order.key, store::order_key("queue/a"));
}

TEST(Rules, AckOfOneToManyMovesNothingByItself) {
    const auto rules = rules_of(shipped);
    auto message = some_message();
    message->stored = true;
    std::vector<Write> writes;
    rules->on_acked({some_client(), at_noon, message, Qos::at_least_once}, writes);
    EXPECT_THAT(writes, IsEmpty());
    rules->on_position(ClientId{"c1"}, TopicName{"a/b"}, message->id, at_noon, writes);
    ASSERT_THAT(names(writes), ElementsAre("advance_cursor"));
    const auto& op = std::get<store::AdvanceCursor>(writes[0].op);
    EXPECT_EQ(op.client, ClientId{"c1"});
    EXPECT_EQ(op.id, message->id);
    EXPECT_EQ(writes[0].order.key, store::order_key("a/b"));
}

TEST(Rules, PositionMovesOncePerPool) {
    const auto rules =
        rules_of({{"message.acked.1", function("on_message_acked")},
                  {"message.acked.2", function("on_message_acked_for_keep_latest", "a/#")},
                  {"message.acked.3", function("on_message_acked_for_queue", "q/#")}});
    std::vector<Write> writes;
    rules->on_position(ClientId{"c1"}, TopicName{"a/b"}, MessageId{1, 1}, at_noon, writes);
    EXPECT_THAT(writes, SizeIs(1));
    rules->on_position(ClientId{"c1"}, TopicName{"$SYS/b"}, MessageId{1, 1}, at_noon, writes);
    EXPECT_THAT(writes, SizeIs(1));
}

TEST(Rules, ListensOnlyToHooksWithRules) {
    const auto rules = rules_of({{"message.publish.1", function("on_message_publish")}});
    EXPECT_TRUE(rules->listens(Hook::message_publish));
    EXPECT_FALSE(rules->listens(Hook::message_delivered));
    EXPECT_FALSE(rules->listens(Hook::client_connected));
    EXPECT_TRUE(
        rules_of({{"session.created.1", R"("action": {"function": "on_subscribe_lookup"})"}})
            ->listens(Hook::client_connected));
}

TEST(Rules, WithoutRulesNothingHappens) {
    const auto rules = rules_of({});
    const auto message = some_message();
    EXPECT_THAT(publish(*rules, message).writes, IsEmpty());
    EXPECT_FALSE(message->stored);
    EXPECT_FALSE(subscribe(*rules, "a").fetch);
}

}  // namespace
}  // namespace keepmq::hooks
