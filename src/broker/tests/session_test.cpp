// Sessions begin, are taken over, resumed and end [MQTT 5.0, 3.1.4, 3.14, 4.1].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

mqtt::Disconnect disconnect_packet(ReasonCode reason, std::optional<std::uint32_t> expiry = {}) {
    mqtt::Disconnect packet;
    packet.reason = reason;
    packet.session_expiry_interval = expiry;
    return packet;
}

TEST(Session, ASecondConnectionTakesOver) {
    // [MQTT-3.1.4-3]
    World world;
    auto& first = world.connect("c", v5);
    auto& second = world.connect("c", v5);
    EXPECT_THAT(first.take(), ElementsAre("DISCONNECT(8e)", "CLOSED"));
    EXPECT_FALSE(second.closed);
    EXPECT_EQ(world.stats().takeovers, 1U);
    EXPECT_EQ(world.stats().sessions, 1U);
    EXPECT_EQ(world.stats().connections, 1U);
}

TEST(Session, AnOlderVersionIsTakenOverWithoutAWord) {
    World world;
    auto& first = world.connect("c", v3);
    world.connect("c", v5);
    EXPECT_THAT(first.take(), ElementsAre("CLOSED"));
}

TEST(Session, TakeOverIsToldInOrder) {
    World world;
    world.connect(connect_packet("c", v5, true, 100));
    world.take_events();
    world.connect(connect_packet("c", v5, false, 100));
    EXPECT_THAT(
        world.take_events(),
        ElementsAre(
            "client.disconnected(c,takenover)", "session.resumed(c)", "client.connected(c)"));
    world.connect(connect_packet("c", v5, true));
    EXPECT_THAT(world.take_events(),
                ElementsAre("client.disconnected(c,takenover)",
                            "session.terminated(c,discarded)",
                            "session.created(c)",
                            "client.connected(c)"));
}

TEST(Session, TheLateEndOfTheOldSocketDoesNotTouchTheNewConnection) {
    World world;
    auto& first = world.connect(connect_packet("c", v5, true, 100));
    auto& second = world.connect(connect_packet("c", v5, false, 100));
    world.take_events();
    first.lose();
    EXPECT_THAT(world.take_events(), IsEmpty());
    EXPECT_TRUE(world.broker.is_connected(ClientId{"c"}));
    second.send(mqtt::Pingreq{});
    EXPECT_THAT(second.take(), ElementsAre("PINGRESP"));
}

TEST(Session, CleanStartDiscardsTheOldSession) {
    // [MQTT-3.1.2-4, MQTT-3.1.4-4, MQTT-3.2.2-2]
    World world;
    auto& first = world.connect(connect_packet("c", v5, true, 100));
    first.subscribe("a", 1);
    first.lose();
    auto& second = world.open();
    second.connect("c", true);
    EXPECT_THAT(second.take(), ElementsAre("CONNACK(0)"));
    EXPECT_THAT(world.filters("c"), IsEmpty());
    EXPECT_EQ(world.stats().subscriptions, 0U);
}

TEST(Session, WithoutCleanStartTheSessionGoesOn) {
    // [MQTT-3.1.2-5, MQTT-3.2.2-3, MQTT-4.1.0-1]
    World world;
    auto& first = world.connect(connect_packet("c", v5, true, 100));
    first.subscribe("a", 1);
    first.lose();
    auto& second = world.open();
    second.send(connect_packet("c", v5, false, 100));
    EXPECT_THAT(second.take(), ElementsAre("CONNACK(0,present)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a"));
    world.connect("p").publish("a", "x", 1, 1);
    EXPECT_THAT(second.payloads(), ElementsAre("x"));
}

TEST(Session, WithoutCleanStartANewSessionIsMade) {
    // [MQTT-3.1.2-6, MQTT-3.2.2-3]
    World world;
    auto& client = world.open();
    client.connect("c", false);
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(0)"));
    EXPECT_THAT(world.events, ElementsAre("session.created(c)", "client.connected(c)"));
}

TEST(Session, AnExpiryOfZeroEndsItWithTheConnection) {
    // [MQTT-3.1.2-23]
    World world;
    world.connect(connect_packet("c", v5, true, 0)).lose();
    EXPECT_FALSE(world.session("c"));
    EXPECT_EQ(world.stats().sessions, 0U);
    EXPECT_THAT(world.events, Contains("session.terminated(c,expired)"));
}

TEST(Session, ItIsKeptUntilItsExpiryAndThenDiscarded) {
    // [MQTT-3.1.2-23, MQTT-4.1.0-2]
    World world;
    world.connect(connect_packet("c", v5, true, 100)).lose();
    world.advance(99'999ms);
    EXPECT_TRUE(world.session("c"));
    EXPECT_FALSE(world.session("c")->connected);
    world.advance(1ms);
    EXPECT_FALSE(world.session("c"));
    EXPECT_THAT(world.events, Contains("session.terminated(c,expired)"));
}

TEST(Session, ExpiryIsCountedFromTheLastConnection) {
    World world;
    world.connect(connect_packet("c", v5, true, 100)).lose();
    world.advance(60s);
    auto& again = world.connect(connect_packet("c", v5, false, 100));
    world.advance(200s);
    EXPECT_TRUE(world.session("c"));
    again.lose();
    world.advance(99s);
    EXPECT_TRUE(world.session("c"));
    world.advance(1s);
    EXPECT_FALSE(world.session("c"));
}

TEST(Session, TheLargestIntervalNeverExpires) {
    World world;
    world.connect(connect_packet("c", v5, true, 0xFFFFFFFF)).lose();
    world.advance(std::chrono::hours{24 * 365});
    EXPECT_TRUE(world.session("c"));
    EXPECT_EQ(world.broker.next_deadline(), std::nullopt);
}

TEST(Session, VersionsBefore5HaveASettingForTheirExpiry) {
    Limits limits;
    limits.session_expiry_of_3x = 50s;
    World world{limits};
    world.connect("lasting", v3, false).lose();
    world.connect("clean", v3, true).lose();
    EXPECT_FALSE(world.session("clean"));
    world.advance(49s);
    EXPECT_TRUE(world.session("lasting"));
    auto& again = world.open(v3);
    again.connect("lasting", false);
    EXPECT_THAT(again.take(), ElementsAre("CONNACK(0,present)"));
    again.lose();
    world.advance(50s);
    EXPECT_FALSE(world.session("lasting"));
}

TEST(Session, Version31KnowsNoSessionPresent) {
    World world;
    world.connect("c", v3_1, false).lose();
    auto& again = world.open(v3_1);
    again.connect("c", false);
    EXPECT_THAT(again.take(), ElementsAre("CONNACK(0)"));
    EXPECT_THAT(world.events, Contains("session.resumed(c)"));
}

TEST(Session, ASessionMayChangeItsVersion) {
    World world;
    auto& first = world.connect("c", v3, false);
    first.subscribe("a", 1);
    first.lose();
    auto& second = world.connect(connect_packet("c", v5, false, 10));
    world.connect("p").publish("a", "x", 1, 1);
    EXPECT_THAT(second.payloads(), ElementsAre("x"));
}

TEST(Disconnect, ANormalOneClosesWithoutAnAnswer) {
    // [MQTT-3.14.4-1, MQTT-3.14.4-2]
    World world;
    auto& client = world.connect("c");
    client.disconnect();
    EXPECT_THAT(client.take(), ElementsAre("CLOSED"));
    EXPECT_THAT(world.events, Contains("client.disconnected(c,normal)"));
    client.publish("a", "late");
    EXPECT_TRUE(world.published.empty());
}

TEST(Disconnect, ItMayChangeTheExpiry) {
    World world;
    auto& shorter = world.connect(connect_packet("a", v5, true, 100));
    shorter.send(disconnect_packet(ReasonCode::success, 10));
    auto& ended = world.connect(connect_packet("b", v5, true, 100));
    ended.send(disconnect_packet(ReasonCode::success, 0));
    auto& longer = world.connect(connect_packet("c", v5, true, 100));
    longer.send(disconnect_packet(ReasonCode::success, 200));
    EXPECT_FALSE(world.session("b"));
    world.advance(10s);
    EXPECT_FALSE(world.session("a"));
    world.advance(189s);
    EXPECT_TRUE(world.session("c"));
    world.advance(1s);
    EXPECT_FALSE(world.session("c"));
}

TEST(Disconnect, ASessionThatConnectDidNotWantCannotBeWishedForAtTheEnd) {
    // [MQTT-3.14.2-2]: nor does our DISCONNECT carry an interval
    World world;
    auto& client = world.connect(connect_packet("c", v5, true, 0));
    client.send(disconnect_packet(ReasonCode::success, 10));
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
    EXPECT_FALSE(world.session("c"));
    auto& zero = world.connect(connect_packet("d", v5, true, 0));
    zero.send(disconnect_packet(ReasonCode::success, 0));
    EXPECT_THAT(zero.take(), ElementsAre("CLOSED"));
}

TEST(Disconnect, TheWishIsHeldToTheLimit) {
    Limits limits;
    limits.max_session_expiry = 60s;
    World world{limits};
    auto& client = world.connect(connect_packet("c", v5, true, 30));
    client.send(disconnect_packet(ReasonCode::success, 1'000));
    world.advance(59s);
    EXPECT_TRUE(world.session("c"));
    world.advance(1s);
    EXPECT_FALSE(world.session("c"));
}

TEST(Disconnect, TheServerSaysWhy) {
    World world;
    auto& kicked = world.connect("a");
    EXPECT_TRUE(world.broker.kick(ClientId{"a"}, ReasonCode::administrative_action, world.now));
    world.run();
    EXPECT_THAT(kicked.take(), ElementsAre("DISCONNECT(98)", "CLOSED"));
    EXPECT_THAT(world.events, Contains("client.disconnected(a,kicked)"));
    EXPECT_FALSE(world.broker.kick(ClientId{"a"}, ReasonCode::administrative_action, world.now));
    EXPECT_FALSE(
        world.broker.kick(ClientId{"unknown"}, ReasonCode::administrative_action, world.now));

    auto& slow = world.connect("b");
    world.broker.disconnect(slow.id(), ReasonCode::quota_exceeded, world.now);
    world.run();
    EXPECT_THAT(slow.take(), ElementsAre("DISCONNECT(97)", "CLOSED"));
}

TEST(Disconnect, ShutDownEndsAllConnectionsAndKeepsSessions) {
    // [MQTT-3.14.0-1]: one that has no CONNACK yet gets no DISCONNECT
    World world;
    auto& waiting = world.open();
    auto& modern = world.connect(connect_packet("a", v5, true, 100));
    auto& older = world.connect("b", v3, false);
    world.broker.shut_down(world.now);
    world.run();
    EXPECT_THAT(waiting.take(), ElementsAre("CLOSED"));
    EXPECT_THAT(modern.take(), ElementsAre("DISCONNECT(8b)", "CLOSED"));
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));
    EXPECT_THAT(world.events, Contains("client.disconnected(a,shutdown)"));
    EXPECT_EQ(world.stats().connections, 0U);
    EXPECT_EQ(world.stats().sessions, 2U);
}

TEST(Disconnect, LastWordsStayUntilTheSocketIsGone) {
    World world;
    world.write_outboxes = false;
    auto& client = world.open();
    client.connect("c");
    world.broker.kick(ClientId{"c"}, ReasonCode::administrative_action, world.now);
    EXPECT_FALSE(world.broker.outbox(client.id()).empty());
    world.broker.release(client.id());
    world.broker.on_packet(client.id(), mqtt::Pingreq{}, world.now);
    EXPECT_FALSE(world.broker.accepts_more(client.id()));
}

TEST(Disconnect, AnOpenConnectionIsNotReleased) {
    World world;
    auto& client = world.connect("c");
    world.broker.release(client.id());
    client.send(mqtt::Pingreq{});
    EXPECT_THAT(client.take(), ElementsAre("PINGRESP"));
}

}  // namespace
}  // namespace keepmq::broker::testing
