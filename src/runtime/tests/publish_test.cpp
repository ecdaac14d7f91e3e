// PUBLISH, the write, and the acknowledgement that waits for it.

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using mqtt::ProtocolVersion;
using store::errc;
using store::testing::Applied;
using testing::ElementsAre;
using testing::IsEmpty;

class PublishTest : public NodeTest {
  protected:
    /// Holds the writes, with the lanes of all topics free before.
    void hold() { database->hold_writes(); }
    [[nodiscard]] bool held(std::size_t writes = 1) { return database->await_held_writes(writes); }
};

TEST_F(PublishTest, PubackComesAfterTheCommit) {
    start();
    Client client{port()};
    ASSERT_EQ("CONNACK 00", client.connect("c"));
    hold();
    client.publish("t", "1", 1, 7);
    ASSERT_TRUE(held());
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ("PUBACK 7 00", client.take());
    EXPECT_THAT(committed_payloads(), ElementsAre("1"));
}

TEST_F(PublishTest, PubrecComesAfterTheCommit) {
    start();
    Client client{port(), ProtocolVersion::v3_1_1};
    ASSERT_EQ("CONNACK 00", client.connect("c"));
    hold();
    client.publish("t", "1", 2, 7);
    ASSERT_TRUE(held());
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ("PUBREC 7 00", client.take());
    client.send(mqtt::Pubrel{7, {}, {}, {}});
    EXPECT_EQ("PUBCOMP 7 00", client.take());
}

TEST_F(PublishTest, AcknowledgementsLeaveInTheOrderOfArrival) {
    start();
    Client client{port()};
    client.connect("c");
    hold();
    client.publish("stored", "1", 1, 1);
    client.publish("$not/stored", "2", 1, 2);  // `#` does not match it
    client.publish("stored", "3", 1, 3);
    ASSERT_TRUE(held());
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_THAT(client.take(3), ElementsAre("PUBACK 1 00", "PUBACK 2 00", "PUBACK 3 00"));
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "3"));
}

TEST_F(PublishTest, WithoutARuleItIsAcknowledgedAtOnce) {
    rules(rule("message.publish.1", "on_message_publish", "stored/#"));
    start();
    Client client{port()};
    client.connect("c");
    hold();
    client.publish("other", "1", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
}

TEST_F(PublishTest, EnqueuedIsEnoughWhenTheRuleSaysSo) {
    rules(rule("message.publish.1", "on_message_publish", "#", R"("durability": "enqueue")"));
    start();
    Client client{port()};
    client.connect("c");
    hold();
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
}

TEST_F(PublishTest, LiveDeliveryDoesNotWait) {
    start();
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("#", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take());
    Client client{port()};
    client.connect("c");
    hold();
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("PUBLISH t 1", reader.take());
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
}

TEST_F(PublishTest, DeliveryWaitsWhenTheRuleSaysSo) {
    rules(rule("message.publish.1", "on_message_store", "#", R"("deliver": "after_commit")"));
    start();
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("#", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take());
    Client client{port()};
    client.connect("c");
    hold();
    client.publish("t", "1", 1, 1);
    client.publish("t", "2", 0);
    ASSERT_TRUE(held());
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    EXPECT_THAT(reader.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ("PUBACK 1 00", client.take());
    EXPECT_THAT(reader.take(2), ElementsAre("PUBLISH t 1", "PUBLISH t 2"));
}

TEST_F(PublishTest, AnUnknownOutcomeStoresItOnce) {
    start();
    Client client{port()};
    client.connect("c");
    database->fail_next_writes(1, errc::connection_lost, Applied::yes);
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
    EXPECT_EQ(1U, database->stored_messages());
    EXPECT_EQ(store::Attempt::after_unknown_outcome, database->writes().back().attempt);
}

TEST_F(PublishTest, AnOutageIsWaitedFor) {
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    const auto before = database->opens();
    client.publish("t", "1", 1, 1);
    ASSERT_TRUE(database->await_opens(before + 2)) << "it is tried again";
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->come_back();
    EXPECT_EQ("PUBACK 1 00", client.take());
}

class RefusalTest : public PublishTest {
  protected:
    RefusalTest() {
        settings.store.give_up_after = std::chrono::milliseconds{100};
        break_spool();
    }
};

TEST_F(RefusalTest, Version5IsToldTheReason) {
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    client.publish("t", "2", 2, 2);
    EXPECT_THAT(client.take(2), ElementsAre("PUBACK 1 83", "PUBREC 2 83"));
    database->come_back();
    ASSERT_TRUE(until([&] { return pool().state == "running"; }));
    client.publish("t", "3", 1, 3);
    EXPECT_EQ("PUBACK 3 00", client.take()) << "the connection goes on";
    EXPECT_THAT(committed_payloads(), ElementsAre("3"));
    EXPECT_EQ(2U, pool().refused);
}

TEST_F(RefusalTest, OlderVersionsAreDisconnected) {
    start();
    Client client{port(), ProtocolVersion::v3_1_1};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("CLOSED", client.take());
}

TEST_F(RefusalTest, AMessageThatIsNowhereIsNotDeliveredAfterTheCommit) {
    rules(rule("message.publish.1", "on_message_store", "#", R"("deliver": "after_commit")"));
    start();
    Client reader{port()};
    reader.connect("reader");
    reader.subscribe("#", 1);
    ASSERT_EQ("SUBACK 1 01", reader.take());
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "lost", 1, 1);
    ASSERT_EQ("PUBACK 1 83", client.take());
    EXPECT_THAT(reader.take_all_so_far(), IsEmpty());
}

TEST_F(PublishTest, ARefusedRowIsKeptAndAcknowledged) {
    start();
    Client client{port()};
    client.connect("c");
    database->poison([](const store::Op& op) -> std::optional<store::Failure> {
        const auto* stored = std::get_if<store::StoreMessage>(&op);
        if (stored == nullptr || stored->message->payload != "poison")
            return {};
        return store::Failure{errc::bad_value, "too bitter"};
    });
    client.publish("t", "1", 1, 1);
    client.publish("t", "poison", 1, 2);
    client.publish("t", "3", 1, 3);
    EXPECT_THAT(client.take(3), ElementsAre("PUBACK 1 00", "PUBACK 2 00", "PUBACK 3 00"));
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "3"));
    ASSERT_EQ(1U, node->dead_letter_count());
    const auto letter = node->dead_letters(10).at(0);
    EXPECT_EQ("poison", letter.payload);
    EXPECT_EQ("too bitter", letter.error);
}

TEST_F(PublishTest, ClientsThatLeaveLoseNoMessage) {
    start();
    hold();
    {
        Client client{port()};
        client.connect("c");
        client.publish("t", "1", 1, 1);
        ASSERT_TRUE(held());
    }
    ASSERT_TRUE(until([&] { return node->stats().connections == 0; }));
    database->release_writes();
    EXPECT_TRUE(until([&] { return committed_payloads().size() == 1; }));
    Client again{port()};
    EXPECT_EQ("CONNACK 00", again.connect("c"));
}

// --- back-pressure ------------------------------------------------------------------------------

class BackpressureTest : public PublishTest {
  protected:
    BackpressureTest() { settings.store.queue_limit = 10; }

    /// In one write, so that the broker reads more than it may take.
    static void publish_many(const Client& client,
                             int count,
                             ProtocolVersion version = ProtocolVersion::v5) {
        std::string bytes;
        for (int i = 1; i <= count; ++i)
            bytes +=
                publish_bytes("t", std::to_string(i), 1, static_cast<mqtt::PacketId>(i), version);
        client.send_bytes(bytes);
    }
    [[nodiscard]] bool paused(std::size_t count = 1) const {
        return until([&] { return node->status().paused_connections == count; });
    }
    static std::vector<std::string> pubacks(int count) {
        std::vector<std::string> texts;
        for (int i = 1; i <= count; ++i) texts.push_back("PUBACK " + std::to_string(i) + " 00");
        return texts;
    }
    static std::vector<std::string> numbers(int count) {
        std::vector<std::string> texts;
        for (int i = 1; i <= count; ++i) texts.push_back(std::to_string(i));
        return texts;
    }
};

TEST_F(BackpressureTest, AFullQueuePausesItsPublishersAndGoesOn) {
    start();
    Client client{port()};
    client.connect("c");
    hold();
    publish_many(client, 100);
    ASSERT_TRUE(paused());
    EXPECT_LE(pool().queued, 11U);
    Client other{port()};
    EXPECT_EQ("CONNACK 00", other.connect("other")) << "only publishers are held back";
    database->release_writes();
    EXPECT_EQ(pubacks(100), client.take(100));
    EXPECT_EQ(numbers(100), committed_payloads());
    EXPECT_TRUE(paused(0));
}

TEST_F(BackpressureTest, APausedClientIsNotTimedOut) {
    settings.mqtt.keepalive_backoff = 0.01;  // of one second
    start();
    Client client{port()};
    client.connect("c", true, 1);
    hold();
    publish_many(client, 50);
    ASSERT_TRUE(paused());
    // Another one with the same keep-alive shows that its time is over.
    Client other{port()};
    other.connect("other", true, 1);
    EXPECT_EQ("DISCONNECT 8d", other.take());
    database->release_writes();
    EXPECT_EQ(pubacks(50), client.take(50));
}

TEST_F(BackpressureTest, AfterTheLimitThePublisherIsDisconnected) {
    settings.store.backpressure_limit = std::chrono::seconds{0};
    start();
    Client client{port()};
    client.connect("c");
    hold();
    publish_many(client, 50);
    EXPECT_EQ("DISCONNECT 97", client.take());
    EXPECT_EQ("CLOSED", client.take());
    EXPECT_TRUE(paused(0));
}

TEST_F(BackpressureTest, OlderVersionsAreHeldToTheReceiveMaximumByNotReading) {
    settings.store.queue_limit = 1000;
    settings.mqtt.receive_maximum = 5;
    start();
    Client client{port(), ProtocolVersion::v3_1_1};
    client.connect("c");
    hold();
    publish_many(client, 20, ProtocolVersion::v3_1_1);
    ASSERT_TRUE(paused());
    EXPECT_EQ(5U, pool().accepted);
    database->release_writes();
    EXPECT_EQ(pubacks(20), client.take(20));
    EXPECT_EQ(numbers(20), committed_payloads());
}

}  // namespace
}  // namespace keepmq::runtime::test
