// What a client may not publish: aliases, quotas, missing features [MQTT 5.0, 3.2.2.3, 3.3, 4.9].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

mqtt::Publish with_alias(std::string_view topic, std::uint16_t alias, std::string_view payload) {
    auto packet = publish_packet(topic, payload);
    packet.topic_alias = alias;
    return packet;
}

std::vector<std::string> topics(const World& world) {
    std::vector<std::string> all;
    for (const auto& message : world.published) all.push_back(message->topic.str());
    return all;
}

TEST(TopicAlias, StandsForTheTopicAfterItWasGiven) {
    // [MQTT-3.3.2-12]
    World world;
    auto& client = world.connect("c");
    client.send(with_alias("a", 1, "1"));
    client.send(with_alias("b", 65'535, "2"));
    client.send(with_alias("", 1, "3"));
    client.send(with_alias("", 65'535, "4"));
    client.send(with_alias("c", 1, "5"));
    client.send(with_alias("", 1, "6"));
    EXPECT_THAT(topics(world), ElementsAre("a", "b", "a", "b", "c", "c"));
}

TEST(TopicAlias, EndsWithTheConnection) {
    // [MQTT-3.3.2-7]
    World world;
    auto& first = world.connect(connect_packet("c", v5, true, 100));
    first.send(with_alias("a", 1, "1"));
    first.lose();
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    second.send(with_alias("", 1, "2"));
    EXPECT_THAT(second.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
    EXPECT_THAT(world.published, SizeIs(1));
}

TEST(TopicAlias, AboveTheMaximumIsInvalid) {
    // [MQTT-3.3.2-9, MQTT-3.2.2-17]
    Limits limits;
    limits.max_topic_alias = 5;
    World world{limits};
    auto& client = world.connect("c");
    client.send(with_alias("a", 5, "1"));
    EXPECT_FALSE(client.closed);
    client.send(with_alias("a", 6, "2"));
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(94)", "CLOSED"));
    EXPECT_THAT(world.published, SizeIs(1));
}

TEST(TopicAlias, IsInvalidWhereNoneIsAllowed) {
    // [MQTT-3.2.2-18]
    Limits limits;
    limits.max_topic_alias = 0;
    World world{limits};
    auto& client = world.connect("c");
    client.send(with_alias("a", 1, "1"));
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(94)", "CLOSED"));
}

TEST(ReceiveMaximum, MoreUnacknowledgedThanAllowedEndsTheConnection) {
    // [MQTT-3.3.4-7]
    Limits limits;
    limits.receive_maximum = 2;
    World world{limits};
    world.auto_settle = false;
    auto& client = world.connect("c");
    client.publish("a", "1", 1, 1);
    client.publish("a", "2", 2, 2);
    client.publish("a", "3", 0);
    EXPECT_FALSE(client.closed);
    client.publish("a", "4", 1, 4);
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(93)", "CLOSED"));
    EXPECT_THAT(world.published, SizeIs(3));
}

TEST(ReceiveMaximum, AnswersGiveQuotaBack) {
    Limits limits;
    limits.receive_maximum = 1;
    World world{limits};
    auto& client = world.connect("c");
    for (mqtt::PacketId id = 1; id <= 3; ++id) {
        client.publish("a", "1", 1, id);
        client.publish("a", "2", 2, id);
        client.pubrel(id);
    }
    EXPECT_FALSE(client.closed);
    client.publish("a", "2", 2, 1);
    client.publish("a", "2", 2, 2);  // PUBCOMP of 1 is not sent yet
    EXPECT_TRUE(client.closed);
}

TEST(ReceiveMaximum, ARefusalGivesQuotaBack) {
    Limits limits;
    limits.receive_maximum = 1;
    World world{limits};
    world.auto_settle = false;
    auto& client = world.connect("c");
    for (mqtt::PacketId id = 1; id <= 3; ++id) {
        client.publish("a", "1", 2, id);
        world.settle(0, ReasonCode::quota_exceeded);
        client.publish("a", "1", 1, id);
        world.settle(0, ReasonCode::quota_exceeded);
    }
    EXPECT_FALSE(client.closed);
}

TEST(ReceiveMaximum, OtherPacketsAreHandledAtTheLimit) {
    // [MQTT-4.9.0-3]
    Limits limits;
    limits.receive_maximum = 1;
    World world{limits};
    world.auto_settle = false;
    auto& client = world.connect("c");
    client.publish("a", "1", 1, 1);
    EXPECT_TRUE(world.broker.accepts_more(client.id()));
    client.subscribe("b");
    client.send(mqtt::Pingreq{});
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,00)", "PINGRESP"));
}

TEST(ReceiveMaximum, RepeatsOfOneMessageAreNoWayAroundIt) {
    Limits limits;
    limits.receive_maximum = 4;
    World world{limits};
    auto& client = world.connect("c");
    client.publish("a", "1", 2, 1);
    world.auto_settle = false;
    client.publish("a", "2", 1, 2);  // its answer holds the others back
    for (int i = 0; i < 10; ++i) client.publish("a", "1", 2, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(1)", "DISCONNECT(93)", "CLOSED"));
}

TEST(ReceiveMaximum, OlderVersionsAreHeldBackByNotReading) {
    Limits limits;
    limits.receive_maximum = 2;
    World world{limits};
    world.auto_settle = false;
    auto& client = world.connect("c", v3);
    client.publish("a", "1", 1, 1);
    EXPECT_TRUE(world.broker.accepts_more(client.id()));
    client.publish("a", "2", 1, 2);
    EXPECT_FALSE(world.broker.accepts_more(client.id()));
    client.publish("a", "3", 1, 3);  // was read already
    EXPECT_FALSE(client.closed);
    world.settle(0);
    world.settle(0);
    EXPECT_TRUE(world.broker.accepts_more(client.id()));
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)", "PUBACK(2)"));
}

TEST(PublishLimits, MoreThanTheMaximumQosEndsTheConnection) {
    // [MQTT-3.2.2-11]
    Limits limits;
    limits.max_qos = Qos::at_least_once;
    World world{limits};
    auto& client = world.connect("c");
    client.publish("a", "1", 1, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)"));
    client.publish("a", "2", 2, 2);
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(9b)", "CLOSED"));
}

TEST(PublishLimits, RetainWhereItIsUnavailableEndsTheConnection) {
    // [MQTT-3.2.2-14]
    Limits limits;
    limits.retain_available = false;
    World world{limits};
    auto& client = world.connect("c");
    client.publish("a", "1", 0, 0, true);
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(9a)", "CLOSED"));
    EXPECT_EQ(world.stats().retained, 0U);
}

TEST(PublishLimits, TooManyTopicLevelsAreRefused) {
    Limits limits;
    limits.max_topic_levels = 2;
    World world{limits};
    auto& modern = world.connect("a", v5);
    modern.publish("a/b", "1", 1, 1);
    modern.publish("a/b/c", "2", 1, 2);
    modern.publish("a/b/c", "3", 2, 3);
    EXPECT_THAT(modern.take(), ElementsAre("PUBACK(1)", "PUBACK(2,90)", "PUBREC(3,90)"));
    modern.publish("a/b/c", "4");
    EXPECT_THAT(modern.take(), ElementsAre("DISCONNECT(90)", "CLOSED"));
    auto& older = world.connect("b", v3);
    older.publish("a/b/c", "5", 1, 1);
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));
    EXPECT_THAT(topics(world), ElementsAre("a/b"));
}

TEST(PublishLimits, ARefusalWaitsForItsTurn) {
    Limits limits;
    limits.max_topic_levels = 1;
    World world{limits};
    world.auto_settle = false;
    auto& client = world.connect("c");
    client.publish("a", "1", 1, 1);
    client.publish("a/b", "2", 1, 2);
    EXPECT_THAT(client.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)", "PUBACK(2,90)"));
}

TEST(PublishLimits, UnfinishedQos2ExchangesAreLimited) {
    Limits limits;
    limits.max_awaiting_rel = 2;
    World world{limits};
    auto& modern = world.connect("a", v5);
    modern.publish("t", "1", 2, 1);
    modern.publish("t", "2", 2, 2);
    modern.publish("t", "3", 2, 3);
    EXPECT_THAT(modern.take(), ElementsAre("PUBREC(1)", "PUBREC(2)", "PUBREC(3,97)"));
    modern.pubrel(1);
    modern.publish("t", "4", 2, 4);
    EXPECT_THAT(modern.take(), ElementsAre("PUBCOMP(1)", "PUBREC(4)"));
    auto& older = world.connect("b", v3);
    for (mqtt::PacketId id = 1; id <= 3; ++id) older.publish("t", "1", 2, id);
    EXPECT_THAT(older.take(), ElementsAre("PUBREC(1)", "PUBREC(2)", "CLOSED"));
}

TEST(PublishLimits, AnIdentifierOfAQos2ExchangeIsInUse) {
    World world;
    auto& client = world.connect("c");
    client.publish("t", "1", 2, 1);
    client.publish("t", "2", 1, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(1)", "PUBACK(1,91)"));
    client.pubrel(1);
    client.publish("t", "3", 1, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBCOMP(1)", "PUBACK(1)"));
}

TEST(PublishLimits, LimitsMayChangeWhileClientsAreConnected) {
    Limits limits;
    World world{limits};
    auto& client = world.connect("c");
    client.publish("a/b/c", "1", 1, 1);
    limits.max_topic_levels = 2;
    world.broker.set_limits(limits);
    client.publish("a/b/c", "2", 1, 2);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)", "PUBACK(2,90)"));
}

}  // namespace
}  // namespace keepmq::broker::testing
