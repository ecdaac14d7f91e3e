// PUBLISH of clients while no rule of message.publish exists: done as soon as it is routed.

#include "broker/tests/disk.hpp"
#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

struct NoRules : ::testing::Test {
    NoRules() { world.broker.listen({}); }
    World world;
};

TEST_F(NoRules, EachQosIsDeliveredAndAnsweredAtOnce) {
    // [MQTT-4.3.2-4, MQTT-4.3.3-8, MQTT-4.3.3-11]
    auto& reader = world.connect("reader");
    reader.subscribe("a/#", 2);
    auto& publisher = world.connect("publisher");
    publisher.publish("a/0", "zero");
    publisher.publish("a/1", "one", 1, 7);
    publisher.publish("a/2", "two", 2, 8);
    EXPECT_THAT(publisher.take(), ElementsAre("PUBACK(7)", "PUBREC(8)"));
    EXPECT_EQ(world.session("publisher")->awaiting_rel, 1U);
    publisher.pubrel(8);
    EXPECT_THAT(publisher.take(), ElementsAre("PUBCOMP(8)"));
    EXPECT_EQ(world.session("publisher")->awaiting_rel, 0U);
    EXPECT_THAT(reader.payloads(), ElementsAre("zero", "one", "two"));
    EXPECT_THAT(world.published, IsEmpty());
}

TEST_F(NoRules, ARepeatedQos2IsDeliveredOnce) {
    // [MQTT-4.3.3-10]
    auto& client = world.connect("c");
    client.subscribe("a", 0);
    client.publish("a", "x", 2, 7);
    client.publish("a", "x", 2, 7);
    EXPECT_THAT(client.payloads(), ElementsAre("x"));
    client.publish("a", "x", 2, 7);
    client.pubrel(7);
    client.publish("a", "y", 2, 7);
    EXPECT_THAT(client.payloads(), ElementsAre("y"));
}

TEST_F(NoRules, TheQuotaIsGivenBack) {
    // [MQTT-3.3.4-7]: one more than the Receive Maximum over time, never at once.
    auto& client = world.connect("c");
    for (int i = 1; i <= Limits{}.receive_maximum + 1; ++i) {
        const auto id = static_cast<mqtt::PacketId>(i);
        client.publish("a", "x", 1 + i % 2, id);
        if (i % 2 == 1)
            client.pubrel(id);
    }
    EXPECT_FALSE(client.closed);
}

TEST(RulesGone, TheAnswerWaitsForThoseBefore) {
    // [MQTT-4.6.0-2]
    World world;
    world.auto_settle = false;
    auto& client = world.connect("c");
    client.publish("a", "x", 1, 1);
    world.broker.listen({});
    client.publish("a", "y", 1, 2);
    EXPECT_THAT(client.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)", "PUBACK(2)"));
}

struct KeptWithoutRules : ::testing::Test {
    KeptWithoutRules() { start(); }
    void start() {
        world = std::make_unique<World>();
        world->now.wall += std::chrono::seconds{++starts};
        world->broker.listen({});
        world->broker.restore(disk.content(), world->now);
        world->run();
    }
    Client& lasting(std::string_view client) {
        return world->connect(connect_packet(client, v5, false, 600));
    }
    void commit() {
        disk.write(world->broker);
        world->broker.on_committed(world->broker.changes_made());
        world->run();
    }

    Disk disk;
    int starts = 0;
    std::unique_ptr<World> world;
};

TEST_F(KeptWithoutRules, PubackWaitsForTheQueueOfASessionThatIsAway) {
    auto& reader = lasting("reader");
    reader.subscribe("t", 1);
    commit();
    reader.lose();
    auto& publisher = world->connect("publisher");
    publisher.publish("t", "x", 1, 1);
    EXPECT_THAT(publisher.take(), IsEmpty());
    commit();
    EXPECT_THAT(publisher.take(), ElementsAre("PUBACK(1)"));
    start();
    EXPECT_THAT(lasting("reader").payloads(), ElementsAre("x"));
}

TEST_F(KeptWithoutRules, ALastingQos2IdentifierSurvivesWithWhatItBrought) {
    // [MQTT-4.3.3-10]
    auto& reader = lasting("reader");
    reader.subscribe("t", 2);
    commit();
    reader.lose();
    auto& publisher = lasting("publisher");
    commit();
    std::ignore = publisher.take();
    publisher.publish("t", "x", 2, 9);
    EXPECT_THAT(publisher.take(), IsEmpty());
    commit();
    EXPECT_THAT(publisher.take(), ElementsAre("PUBREC(9)"));

    start();
    auto& again = lasting("publisher");
    again.publish("t", "x", 2, 9);
    commit();
    EXPECT_THAT(again.take(), Contains("PUBREC(9)"));
    again.pubrel(9);
    auto& back = lasting("reader");
    commit();
    EXPECT_THAT(back.payloads(), ElementsAre("x"));
}

}  // namespace
}  // namespace keepmq::broker::testing
