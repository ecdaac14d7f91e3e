// SUBSCRIBE and UNSUBSCRIBE [MQTT 5.0, 3.8 to 3.11].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

TEST(Subscribe, OneReasonCodeForEachFilterInOrder) {
    // [MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.8.4-7, MQTT-3.9.3-1,
    // MQTT-2.2.1-6]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::exactly_once},
                                  {.filter = "b/#/c", .qos = Qos::at_least_once},
                                  {.filter = "c", .qos = Qos::at_most_once},
                                  {.filter = "$share//x", .qos = Qos::at_most_once},
                                  {.filter = "d", .qos = Qos::at_least_once}},
                                 7));
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(7,02,8f,00,8f,01)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a", "c", "d"));
    EXPECT_EQ(world.stats().subscriptions, 3U);
    EXPECT_THAT(world.events, Contains("session.subscribed(d)"));
}

TEST(Subscribe, OlderVersionsLearnOnlyThatItFailed) {
    // [MQTT-3.9.3-2]
    World world;
    auto& client = world.connect("c", v3);
    client.send(
        subscribe_packet({{.filter = "a/#/b"}, {.filter = "a", .qos = Qos::at_least_once}}));
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,80,01)"));
}

TEST(Subscribe, TheMaximumQosIsGrantedAndNotExceeded) {
    // [MQTT-3.2.2-10, MQTT-3.8.4-7]
    Limits limits;
    limits.max_qos = Qos::at_least_once;
    World world{limits};
    auto& client = world.connect("c");
    client.subscribe("a", 2);
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)"));
}

TEST(Subscribe, LimitsHaveTheirReasonCodes) {
    Limits limits;
    limits.wildcard_subscription = false;
    limits.shared_subscription = false;
    limits.max_topic_levels = 2;
    limits.max_subscriptions = 2;
    World world{limits};
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a/+"},
                                  {.filter = "$share/g/a"},
                                  {.filter = "a/b/c"},
                                  {.filter = "1"},
                                  {.filter = "2"},
                                  {.filter = "3"},
                                  {.filter = "2", .qos = Qos::at_least_once}}));
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,a2,9e,8f,00,00,97,01)"));
}

TEST(Subscribe, TheSameFilterReplacesTheSubscription) {
    // [MQTT-3.8.4-3]
    World world;
    auto& client = world.connect("c");
    client.subscribe("a", 0);
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::exactly_once}}, 101, 9));
    client.take();
    EXPECT_EQ(world.stats().subscriptions, 1U);
    world.connect("p").publish("a", "x", 2, 1);
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].qos, Qos::exactly_once);
    EXPECT_THAT(got[0].identifiers, ElementsAre(9U));
    client.subscribe("a", 0);  // takes the identifier away again
    client.take();
    world.connect("q").publish("a", "y");
    EXPECT_THAT(client.messages().at(0).identifiers, IsEmpty());
}

TEST(Subscribe, TheSameFilterTwiceInOnePacketGetsTwoCodes) {
    // [MQTT-3.8.4-5, MQTT-3.8.4-6]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet(
        {{.filter = "a"}, {.filter = "a", .qos = Qos::exactly_once}, {.filter = "b"}}));
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,00,02,00)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a", "b"));
    world.connect("p").publish("a", "x", 2, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,x,q2)"));
}

TEST(Subscribe, OverlappingOnesGiveOneCopyWithTheHighestQosAndAllIdentifiers) {
    // [MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a/b", .qos = Qos::at_most_once}}, 1, 1));
    client.send(subscribe_packet({{.filter = "a/+", .qos = Qos::exactly_once}}, 2, 268'435'455));
    client.send(subscribe_packet({{.filter = "#", .qos = Qos::at_least_once}}, 3, 1));
    client.send(subscribe_packet({{.filter = "+/b", .qos = Qos::at_least_once}}, 4));
    client.send(subscribe_packet({{.filter = "x", .qos = Qos::at_least_once}}, 5, 5));
    client.take();
    world.connect("p").publish("a/b", "x", 2, 1);
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].qos, Qos::exactly_once);
    EXPECT_THAT(got[0].identifiers, ElementsAre(1U, 1U, 268'435'455U));
}

TEST(Subscribe, NoLocalKeepsOwnMessagesAway) {
    // [MQTT-3.8.3-3]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a", .no_local = true}}));
    client.take();
    client.publish("a", "own");
    world.connect("p").publish("a", "other");
    EXPECT_THAT(client.payloads(), ElementsAre("other"));
}

TEST(Subscribe, AnotherSubscriptionWithoutNoLocalStillBringsOwnMessages) {
    World world;
    auto& client = world.connect("c");
    client.send(
        subscribe_packet({{.filter = "a", .qos = Qos::exactly_once, .no_local = true}}, 1, 1));
    client.send(subscribe_packet({{.filter = "+"}}, 2, 2));
    client.take();
    client.publish("a", "own");
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_THAT(got[0].identifiers, ElementsAre(2U));
}

TEST(Subscribe, NoLocalOnASharedSubscriptionIsAProtocolError) {
    // [MQTT-3.8.3-4]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a"}, {.filter = "$share/g/a", .no_local = true}}));
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
    EXPECT_EQ(world.stats().subscriptions, 0U);
}

TEST(Subscribe, RetainAsPublishedKeepsTheFlag) {
    World world;
    auto& cleared = world.connect("a");
    auto& kept = world.connect("b");
    auto& both = world.connect("c");
    auto& older = world.connect("d", v3);
    cleared.subscribe("t");
    kept.send(subscribe_packet({{.filter = "t", .retain_as_published = true}}));
    both.send(subscribe_packet({{.filter = "t"}, {.filter = "+", .retain_as_published = true}}));
    older.subscribe("t");
    auto& publisher = world.connect("p");
    publisher.publish("t", "1", 0, 0, true);
    publisher.publish("t", "2", 0, 0, false);
    // [MQTT-3.3.1-12]
    EXPECT_THAT(cleared.take(),
                ElementsAre("SUBACK(100,00)", "PUBLISH(t,1,q0)", "PUBLISH(t,2,q0)"));
    EXPECT_THAT(older.take(), ElementsAre("SUBACK(100,00)", "PUBLISH(t,1,q0)", "PUBLISH(t,2,q0)"));
    // [MQTT-3.3.1-13]
    EXPECT_THAT(kept.take(),
                ElementsAre("SUBACK(100,00)", "PUBLISH(t,1,q0,retain)", "PUBLISH(t,2,q0)"));
    EXPECT_THAT(both.take(),
                ElementsAre("SUBACK(100,00,00)", "PUBLISH(t,1,q0,retain)", "PUBLISH(t,2,q0)"));
}

TEST(Subscribe, AFirstLevelWildcardDoesNotMatchADollar) {
    // [MQTT-4.7.2-1]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "#"}, {.filter = "+/x"}}));
    client.take();
    auto& publisher = world.connect("p");
    publisher.publish("$other/x", "hidden");
    EXPECT_THAT(client.take(), IsEmpty());
    client.subscribe("$other/#");
    client.take();
    publisher.publish("$other/x", "seen");
    EXPECT_THAT(client.payloads(), ElementsAre("seen"));
}

TEST(Subscribe, TopicsAreComparedByteForByte) {
    // [MQTT-4.7.3-4]
    World world;
    auto& client = world.connect("c");
    client.subscribe("A\xCC\x8A");  // A and a ring to be combined
    client.take();
    auto& publisher = world.connect("p");
    publisher.publish("\xC3\x85", "composed");
    publisher.publish("a\xCC\x8A", "small");
    publisher.publish("A\xCC\x8A", "same");
    publisher.publish("/A\xCC\x8A", "slash");
    EXPECT_THAT(client.payloads(), ElementsAre("same"));
}

TEST(Unsubscribe, OneReasonCodeForEachFilterInOrder) {
    // [MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.10.4-6, MQTT-3.11.3-1, MQTT-3.11.3-2, MQTT-2.2.1-6]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a"}, {.filter = "b/+"}, {.filter = "$share/g/a"}}));
    client.take();
    mqtt::Unsubscribe packet;
    packet.packet_id = 9;
    packet.filters = {"a", "x", "b/+", "$share/g/a", "a"};
    client.send(packet);
    EXPECT_THAT(client.take(), ElementsAre("UNSUBACK(9,00,11,00,00,11)"));
    EXPECT_THAT(world.filters("c"), IsEmpty());
    EXPECT_EQ(world.stats().subscriptions, 0U);
}

TEST(Unsubscribe, OnlyTheSameCharactersMatch) {
    // [MQTT-3.10.4-1]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a/b"}, {.filter = "a/+"}, {.filter = "#"}}));
    client.unsubscribe("a/+");
    EXPECT_THAT(world.filters("c"), ElementsAre("#", "a/b"));
    client.unsubscribe("+/b");
    EXPECT_THAT(world.filters("c"), ElementsAre("#", "a/b"));
    EXPECT_THAT(client.take(),
                ElementsAre("SUBACK(100,00,00,00)", "UNSUBACK(101,00)", "UNSUBACK(101,11)"));
}

TEST(Unsubscribe, NothingNewIsAddedAndWhatBeganIsFinished) {
    // [MQTT-3.10.4-2, MQTT-3.10.4-3]
    World world;
    auto packet = connect_packet("c");
    packet.receive_maximum = 1;
    auto& client = world.connect(packet);
    client.subscribe("a", 2);
    client.take();
    auto& publisher = world.connect("p");
    publisher.publish("a", "1", 2, 1);
    publisher.publish("a", "2", 1, 2);
    client.unsubscribe("a");
    publisher.publish("a", "3", 1, 3);
    client.pubrec(1);
    client.pubcomp(1);
    EXPECT_THAT(client.take(),
                ElementsAre("PUBLISH(a,1,q2)", "UNSUBACK(101,00)", "PUBREL(1)", "PUBLISH(a,2,q1)"));
    EXPECT_THAT(world.events, Contains("session.unsubscribed(c)"));
}

TEST(Unsubscribe, OlderVersionsGetAnAnswerWithoutCodes) {
    World world;
    auto& client = world.connect("c", v3);
    client.unsubscribe("a");
    EXPECT_THAT(client.take(), ElementsAre("UNSUBACK(101)"));
}

}  // namespace
}  // namespace keepmq::broker::testing
