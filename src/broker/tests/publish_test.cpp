// PUBLISH of clients: the answers to QoS 0, 1 and 2 and their order [MQTT 5.0, 3.3, 4.3, 4.6].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

/// Tickets stay open until a test settles them.
World& slow(World& world) {
    world.auto_settle = false;
    return world;
}

TEST(Publish, Qos0IsTakenWithoutAnAnswer) {
    // [MQTT-3.3.4-1]
    World world;
    auto& client = world.connect("c");
    client.publish("a/b", "x");
    EXPECT_THAT(client.take(), IsEmpty());
    ASSERT_THAT(world.published, SizeIs(1));
    EXPECT_EQ(world.published[0]->topic, TopicName{"a/b"});
    EXPECT_EQ(world.published[0]->payload, "x");
    EXPECT_EQ(world.published[0]->sender, ClientId{"c"});
    EXPECT_EQ(world.published[0]->peerhost, "192.0.2.1");
    EXPECT_THAT(world.tickets, IsEmpty());
}

TEST(Publish, Qos1IsAnsweredOnceTheMessageIsKept) {
    // [MQTT-4.3.2-4, MQTT-2.2.1-5, MQTT-3.3.4-1]
    World world;
    auto& client = slow(world).connect("c");
    client.publish("a", "x", 1, 7);
    EXPECT_THAT(client.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(7)"));
}

TEST(Publish, Qos2IsAnsweredOnceTheMessageIsKept) {
    // [MQTT-4.3.3-8, MQTT-4.3.3-11, MQTT-2.2.1-5, MQTT-3.3.4-1]
    World world;
    auto& client = slow(world).connect("c");
    client.publish("a", "x", 2, 7);
    EXPECT_THAT(client.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)"));
    client.pubrel(7);
    EXPECT_THAT(client.take(), ElementsAre("PUBCOMP(7)"));
    EXPECT_EQ(world.session("c")->awaiting_rel, 0U);
}

TEST(Publish, TheUserNameTravelsWithTheMessage) {
    World world;
    auto packet = connect_packet("c");
    packet.username = "ann";
    world.connect(packet).publish("a", "x");
    EXPECT_EQ(world.published.at(0)->username, "ann");
}

TEST(Publish, MessagesHaveIncreasingIdentifiersAndTheTimeOfTheirArrival) {
    World world;
    auto& client = world.connect("c");
    client.publish("a", "1");
    client.publish("a", "2");
    world.advance(1s);
    client.publish("a", "3");
    ASSERT_THAT(world.published, SizeIs(3));
    EXPECT_LT(world.published[0]->id, world.published[1]->id);
    EXPECT_LT(world.published[1]->id, world.published[2]->id);
    EXPECT_EQ(world.published[2]->at, world.now.wall);
}

TEST(Publish, AnswersLeaveInTheOrderOfArrivalOverBothQos) {
    World world;
    auto& client = slow(world).connect("c");
    client.publish("a", "1", 1, 1);
    client.publish("a", "2", 2, 2);
    client.publish("b", "3", 1, 3);
    client.publish("c", "4", 2, 4);
    world.settle(2);
    world.settle(1);
    EXPECT_THAT(client.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1)", "PUBREC(2)", "PUBACK(3)"));
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(4)"));
}

TEST(Publish, EachConnectionHasItsOwnOrder) {
    World world;
    auto& a = slow(world).connect("a");
    auto& b = world.connect("b");
    a.publish("t", "1", 1, 1);
    b.publish("t", "2", 1, 1);
    world.settle(1);
    EXPECT_THAT(a.take(), IsEmpty());
    EXPECT_THAT(b.take(), ElementsAre("PUBACK(1)"));
}

TEST(Publish, ARepeatedQos2IsNotTakenTwice) {
    // [MQTT-4.3.3-10]
    World world;
    auto& client = world.connect("c");
    client.publish("a", "x", 2, 7);
    client.publish("a", "x", 2, 7);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)", "PUBREC(7)"));
    EXPECT_THAT(world.published, SizeIs(1));
    client.pubrel(7);
    client.pubrel(7);
    EXPECT_THAT(client.take(), ElementsAre("PUBCOMP(7)", "PUBCOMP(7,92)"));
}

TEST(Publish, ARepeatedQos2WhileTheStoreWorksGetsOneAnswer) {
    // [MQTT-4.3.3-10]
    World world;
    auto& client = slow(world).connect("c");
    client.publish("a", "x", 2, 7);
    client.publish("a", "x", 2, 7);
    EXPECT_THAT(world.published, SizeIs(1));
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)"));
}

TEST(Publish, AfterPubcompTheIdentifierBelongsToANewMessage) {
    // [MQTT-4.3.3-12]
    World world;
    auto& client = world.connect("c");
    client.publish("a", "1", 2, 7);
    client.pubrel(7);
    client.publish("a", "2", 2, 7);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)", "PUBCOMP(7)", "PUBREC(7)"));
    EXPECT_THAT(world.published, SizeIs(2));
}

TEST(Publish, AfterPubackTheIdentifierBelongsToANewMessage) {
    // [MQTT-4.3.2-5]
    World world;
    auto& client = world.connect("c");
    client.publish("a", "1", 1, 7);
    auto again = publish_packet("a", "1", 1, 7);
    again.dup = true;
    client.send(again);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(7)", "PUBACK(7)"));
    EXPECT_THAT(world.published, SizeIs(2));
}

TEST(Publish, AQos2ExchangeGoesOnAfterReconnecting) {
    // [MQTT-4.3.3-10, MQTT-4.1.0-1]
    World world;
    auto& first = world.connect(connect_packet("c", v5, true, 100));
    first.publish("a", "x", 2, 7);
    first.lose();
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    second.publish("a", "x", 2, 7);
    second.pubrel(7);
    EXPECT_THAT(second.take(), ElementsAre("PUBREC(7)", "PUBCOMP(7)"));
    EXPECT_THAT(world.published, SizeIs(1));
}

TEST(Publish, TheOutcomeIsKnownToTheNextConnection) {
    World world;
    auto& first = slow(world).connect(connect_packet("c", v5, true, 100));
    first.publish("a", "x", 2, 7);
    first.lose();
    world.settle(0);
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    second.publish("a", "x", 2, 7);
    EXPECT_THAT(second.take(), ElementsAre("PUBREC(7)"));
    EXPECT_THAT(world.published, SizeIs(1));
}

TEST(Publish, AnOutcomeThatIsStillAwaitedGoesToTheNextConnection) {
    World world;
    auto& first = slow(world).connect(connect_packet("c", v5, true, 100));
    first.publish("a", "x", 2, 7);
    first.lose();
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    second.publish("a", "x", 2, 7);
    second.publish("a", "y", 1, 8);
    EXPECT_THAT(world.published, SizeIs(2));
    world.settle(1);
    EXPECT_THAT(second.take(), IsEmpty());
    world.settle(0);
    EXPECT_THAT(second.take(), ElementsAre("PUBREC(7)", "PUBACK(8)"));
}

TEST(Publish, AnOutcomeForALostConnectionIsNotSentToAnother) {
    World world;
    auto& first = slow(world).connect(connect_packet("c", v5, true, 100));
    first.publish("a", "x", 1, 7);
    first.publish("a", "x", 2, 8);
    first.lose();
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    world.settle(0);
    world.settle(0);
    EXPECT_THAT(second.take(), IsEmpty());
}

TEST(Publish, AnOutcomeForAnEndedSessionChangesNothing) {
    World world;
    auto& first = slow(world).connect("c");
    first.publish("a", "x", 2, 7);
    first.lose();
    auto& second = world.connect("c");
    world.settle(0);
    EXPECT_EQ(world.session("c")->awaiting_rel, 0U);
    second.publish("a", "y", 2, 7);
    EXPECT_THAT(world.published, SizeIs(2));
    world.broker.settle(Ticket{12345}, ReasonCode::success, world.now);
}

TEST(Publish, APubrelForNothingIsAnswered) {
    // [MQTT-4.3.3-11, MQTT-3.7.2-1]
    World world;
    auto& modern = world.connect("a", v5);
    modern.pubrel(9);
    EXPECT_THAT(modern.take(), ElementsAre("PUBCOMP(9,92)"));
    auto& older = world.connect("b", v3);
    older.pubrel(9);
    EXPECT_THAT(older.take(), ElementsAre("PUBCOMP(9)"));
}

TEST(Publish, APubrelBeforeItsPubrecEndsNothing) {
    World world;
    auto& client = slow(world).connect("c");
    client.publish("a", "x", 2, 7);
    client.pubrel(7);
    EXPECT_THAT(client.take(), ElementsAre("PUBCOMP(7,92)"));
    world.settle(0);
    client.pubrel(7);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)", "PUBCOMP(7)"));
}

TEST(Refusal, Version5IsToldInTheAnswer) {
    // [MQTT-3.4.2-1, MQTT-3.5.2-1]
    World world;
    auto& client = slow(world).connect("c", v5);
    client.publish("a", "1", 1, 1);
    client.publish("a", "2", 2, 2);
    client.publish("a", "3", 1, 3);
    world.settle(1, ReasonCode::quota_exceeded);
    world.settle(0, ReasonCode::unspecified_error);
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1,80)", "PUBREC(2,97)", "PUBACK(3)"));
    EXPECT_FALSE(client.closed);
}

TEST(Refusal, AfterARefusingPubrecTheIdentifierIsFree) {
    // [MQTT-4.3.3-9]
    World world;
    auto& client = slow(world).connect("c", v5);
    client.publish("a", "1", 2, 7);
    world.settle(0, ReasonCode::quota_exceeded);
    client.publish("a", "2", 2, 7);
    EXPECT_THAT(world.published, SizeIs(2));
    world.settle(0);
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7,97)", "PUBREC(7)"));
}

TEST(Refusal, OlderVersionsLoseTheConnectionAndSendAgain) {
    World world;
    auto& first = slow(world).connect("c", v3, false);
    first.publish("a", "1", 1, 1);
    first.publish("a", "2", 2, 2);
    world.settle(1, ReasonCode::unspecified_error);
    EXPECT_THAT(first.take(), ElementsAre("CLOSED"));
    EXPECT_THAT(world.events, Contains("client.disconnected(c,refused)"));
    world.settle(0);
    auto& second = world.connect("c", v3, false);
    second.publish("a", "1", 1, 1);
    second.publish("a", "2", 2, 2);
    EXPECT_THAT(world.published, SizeIs(4));
    world.settle(0);
    world.settle(0);
    EXPECT_THAT(second.take(), ElementsAre("PUBACK(1)", "PUBREC(2)"));
}

TEST(Refusal, ASuccessWithAHintIsPassedOn) {
    World world;
    auto& client = slow(world).connect("c", v5);
    client.publish("a", "1", 1, 1);
    world.settle(0, ReasonCode::no_matching_subscribers);
    EXPECT_THAT(client.take(), ElementsAre("PUBACK(1,10)"));
}

TEST(Internal, MessagesOfTheBrokerAreRoutedAtOnceWithoutRules) {
    World world;
    auto& client = world.connect("c");
    client.subscribe("$SYS/#", 1);
    client.take();
    world.broker.publish_internal(
        TopicName{"$SYS/uptime"}, "5", Qos::at_least_once, true, world.now);
    world.run();
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH($SYS/uptime,5,q1)"));
    EXPECT_THAT(world.published, IsEmpty());
    EXPECT_EQ(world.stats().retained, 1U);
}

}  // namespace
}  // namespace keepmq::broker::testing
