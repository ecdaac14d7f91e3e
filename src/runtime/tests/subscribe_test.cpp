// SUBSCRIBE, what is stored, and how far a reader has come.

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using mqtt::ProtocolVersion;
using testing::ElementsAre;
using testing::IsEmpty;

class SubscribeTest : public NodeTest {
  protected:
    SubscribeTest() {
        rules(rule("client.connected.1", "on_client_connected") +
              rule("client.connected.2", "on_subscribe_lookup") +
              rule("client.disconnected.1", "on_client_disconnected") +
              rule("session.subscribed.1", "on_message_fetch") +
              rule("session.subscribed.2", "on_retain_lookup") +
              rule("message.publish.1", "on_message_publish") +
              rule("message.publish.2", "on_message_retain") +
              rule("message.acked.1", "on_message_acked"));
    }

    void publish(int first, int last, std::string_view topic = "t") const {
        Client client{port()};
        client.connect("writer");
        for (int i = first; i <= last; ++i) {
            client.publish(topic, std::to_string(i), 1, static_cast<mqtt::PacketId>(i));
            ASSERT_EQ("PUBACK " + std::to_string(i) + " 00", client.take());
        }
    }
};

TEST_F(SubscribeTest, StoredMessagesComeFirst) {
    start();
    publish(1, 3);
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("t", 1);
    EXPECT_THAT(reader.take(4),
                ElementsAre("SUBACK 1 01", "PUBLISH t 1", "PUBLISH t 2", "PUBLISH t 3"));
    publish(4, 4);
    EXPECT_EQ("PUBLISH t 4", reader.take());
}

TEST_F(SubscribeTest, OnlyWhatWasNotAcknowledgedComesAgain) {
    start();
    publish(1, 3);
    {
        Client reader{port()};
        reader.connect("reader");
        reader.subscribe("t", 1);
        EXPECT_THAT(reader.take(3), ElementsAre("SUBACK 1 01", "PUBLISH t 1", "PUBLISH t 2"));
        reader.acknowledges = false;
        EXPECT_EQ("PUBLISH t 3", reader.take());
        EXPECT_THAT(reader.take_all_so_far(), IsEmpty());
        reader.disconnect();
        EXPECT_EQ("CLOSED", reader.take());
    }
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("t", 1);
    EXPECT_THAT(reader.take(2), ElementsAre("SUBACK 1 01", "PUBLISH t 3"));
}

TEST_F(SubscribeTest, PagesFollowEachOther) {
    settings.replay.page_size = 2;
    start();
    publish(1, 7);
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("t", 1);
    EXPECT_THAT(reader.take(8),
                ElementsAre("SUBACK 1 01",
                            "PUBLISH t 1",
                            "PUBLISH t 2",
                            "PUBLISH t 3",
                            "PUBLISH t 4",
                            "PUBLISH t 5",
                            "PUBLISH t 6",
                            "PUBLISH t 7"));
}

TEST_F(SubscribeTest, SubackWaitsForThePosition) {
    start();
    Client reader{port()};
    reader.connect("reader");
    ASSERT_TRUE(until([&] { return pool().queued == 0; }));
    database->hold_writes();
    reader.subscribe("t", 1);
    ASSERT_TRUE(database->await_held_writes(1));
    EXPECT_THAT(reader.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ("SUBACK 1 01", reader.take());
}

TEST_F(SubscribeTest, WithoutAPositionThereIsNoSubscription) {
    settings.store.give_up_after = std::chrono::milliseconds{100};
    break_spool();
    start();
    Client reader{port()};
    reader.connect("reader");
    ASSERT_TRUE(until([&] { return pool().queued == 0; }));
    database->go_down();
    reader.subscribe("t", 1);
    EXPECT_EQ("SUBACK 1 80", reader.take());
    EXPECT_EQ(0U, node->subscriptions("reader", 0, 0).total);
}

TEST_F(SubscribeTest, ProvisionedSubscriptionsAreMadeAtConnect) {
    database->provision(ClientId{"pump"}, {TopicFilter{"cmd/pump"}, 1});
    database->provision(ClientId{"pump"}, {TopicFilter{"cmd/bad"}, 7});
    start();
    Client pump{port()};
    pump.connect("pump");
    ASSERT_TRUE(until([&] { return node->subscriptions("pump", 0, 0).total == 1; }));
    publish(1, 1, "cmd/pump");
    EXPECT_EQ("PUBLISH cmd/pump 1", pump.take());
}

TEST_F(SubscribeTest, RetainedMessagesOfTheDatabaseAreFound) {
    start();
    {
        Client writer{port()};
        writer.connect("writer");
        writer.publish("r", "kept", 1, 1, true);
        ASSERT_EQ("PUBACK 1 00", writer.take());
    }
    ASSERT_TRUE(node->delete_retained("r")) << "so that only the database has it";
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("r", 0);
    EXPECT_THAT(reader.take(2), ElementsAre("SUBACK 1 00", "PUBLISH r kept"));
}

TEST_F(SubscribeTest, AReadThatFailsIsRepeated) {
    start();
    publish(1, 2);
    database->fail_next_reads(2, store::errc::connection_lost);
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("t", 1);
    EXPECT_THAT(reader.take(3), ElementsAre("SUBACK 1 01", "PUBLISH t 1", "PUBLISH t 2"));
}

TEST_F(SubscribeTest, PresenceFollowsTheConnection) {
    start();
    const ClientId id{"pump"};
    {
        Client pump{port()};
        pump.connect("pump");
        ASSERT_TRUE(
            until([&] { return database->presence(id) && database->presence(id)->online; }));
        EXPECT_EQ(settings.node.name, database->presence(id)->node);
    }
    EXPECT_TRUE(until([&] { return !database->presence(id)->online; }));
}

TEST_F(SubscribeTest, AShutDownLeavesNobodyOnline) {
    start();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<Client>(port()));
        clients.back()->connect("c" + std::to_string(i));
    }
    EXPECT_TRUE(node->shut_down());
    for (int i = 0; i < 50; ++i) {
        const auto presence = database->presence(ClientId{"c" + std::to_string(i)});
        EXPECT_TRUE(presence && !presence->online) << i;
    }
    EXPECT_EQ("DISCONNECT 8b", clients[0]->take());
}

}  // namespace
}  // namespace keepmq::runtime::test
