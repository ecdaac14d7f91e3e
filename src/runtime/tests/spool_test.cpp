// Clients and operators while a database is away.

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SpoolTest : public NodeTest {
  protected:
    SpoolTest() { settings.store.spool_after = std::chrono::milliseconds{20}; }

    [[nodiscard]] bool drained() const {
        return until([&] { return pool().spool == "direct" && pool().spooled == 0; });
    }
};

TEST_F(SpoolTest, PublishersAreAcknowledgedWhileTheDatabaseIsAway) {
    database->go_down();
    start();
    Client client{port()};
    client.connect("c");
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
    client.publish("t", "2", 2, 2);
    EXPECT_EQ("PUBREC 2 00", client.take());
    EXPECT_EQ("spooling", pool().spool);
    EXPECT_EQ(pool().accepted, pool().spooled);
    EXPECT_THAT(committed_payloads(), IsEmpty());
    database->come_back();
    ASSERT_TRUE(drained());
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "2"));
    EXPECT_EQ(pool().accepted, pool().committed);
}

TEST_F(SpoolTest, WhatIsSpooledIsDeliveredAsAfterTheCommit) {
    rules(rule("message.publish.1", "on_message_store", "#", R"("deliver": "after_commit")"));
    start();
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("#", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take());
    database->go_down();
    Client client{port()};
    client.connect("c");
    client.publish("t", "kept", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
    EXPECT_EQ("PUBLISH t kept", reader.take());
}

TEST_F(SpoolTest, ASubscriberOfAnOutageMissesNothing) {
    rules(rule("session.subscribed.1", "on_message_fetch") +
          rule("message.publish.1", "on_message_publish") +
          rule("message.acked.1", "on_message_acked"));
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    Client reader{port()};
    reader.connect("reader");
    client.publish("t", "before", 1, 1);
    ASSERT_EQ("PUBACK 1 00", client.take());
    reader.subscribe("t", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take()) << "its position is in the spool";
    client.publish("t", "during", 1, 2);
    ASSERT_EQ("PUBACK 2 00", client.take());
    database->come_back();
    EXPECT_THAT(reader.take(2), ElementsAre("PUBLISH t before", "PUBLISH t during"));
}

TEST_F(SpoolTest, AShutDownWithADeadDatabaseIsCleanAndKeepsTheOrder) {
    settings.store.spool_after = std::chrono::hours{1};
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    for (mqtt::PacketId i = 1; i <= 5; ++i) client.publish("t", std::to_string(i), 1, i);
    ASSERT_TRUE(until([&] { return pool().queued == 5; }));
    EXPECT_TRUE(node->shut_down());
    stop();
    start();
    Client again{port()};
    again.connect("again");
    again.publish("t", "6", 1, 6);
    EXPECT_THAT(again.take_all_so_far(), IsEmpty()) << "it waits for the others";
    database->come_back();
    EXPECT_EQ("PUBACK 6 00", again.take());
    ASSERT_TRUE(drained());
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_F(SpoolTest, AReloadTakesTheSpoolAlong) {
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    ASSERT_EQ("PUBACK 1 00", client.take());
    ASSERT_TRUE(node->reload_plugin("memory").ok);
    client.publish("t", "2", 1, 2);
    EXPECT_EQ("PUBACK 2 00", client.take());
    EXPECT_EQ(2U, pool().spooled);
    EXPECT_EQ(2U, pool().accepted);
    EXPECT_EQ(2U, node->rules().at(0).spooled);
    database->come_back();
    ASSERT_TRUE(drained());
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "2"));
}

TEST_F(SpoolTest, AReloadTakesWaitingQueriesAlong) {
    rules(rule("client.connected.1", "on_subscribe_lookup") +
          rule("session.subscribed.1", "on_message_fetch") +
          rule("session.subscribed.2", "on_retain_lookup") +
          rule("message.publish.1", "on_message_publish"));
    start();
    Client client{port()};
    client.connect("c");
    client.publish("t", "before", 1, 1);
    ASSERT_EQ("PUBACK 1 00", client.take());
    database->provision(ClientId{"provisioned"}, {TopicFilter{"p"}, 1});
    database->go_down();
    client.publish("t", "during", 1, 2);
    ASSERT_EQ("PUBACK 2 00", client.take());
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("t", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take());
    Client provisioned{port()};
    provisioned.connect("provisioned");
    ASSERT_TRUE(node->reload_plugin("memory").ok);
    EXPECT_THAT(reader.take_all_so_far(), IsEmpty());
    ASSERT_TRUE(node->reload_plugin("memory").ok) << "twice";
    database->come_back();
    EXPECT_THAT(reader.take(2), ElementsAre("PUBLISH t before", "PUBLISH t during"));
    ASSERT_TRUE(until([&] { return node->subscriptions("provisioned", 0, 1).total == 1; }));
}

TEST_F(SpoolTest, AnUnloadedPluginLeavesItsSpoolForTheNextTime) {
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    ASSERT_EQ("PUBACK 1 00", client.take());
    const auto done = node->unload_plugin("memory");
    EXPECT_TRUE(done.ok);
    EXPECT_THAT(done.message, HasSubstr("1 writes stay in the spool"));
    database->come_back();
    ASSERT_TRUE(node->load_plugin("memory").ok);
    ASSERT_TRUE(until([] { return !committed_payloads().empty(); }));
    EXPECT_THAT(committed_payloads(), ElementsAre("1"));
}

}  // namespace
}  // namespace keepmq::runtime::test
