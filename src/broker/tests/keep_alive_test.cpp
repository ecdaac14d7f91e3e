// What the clock does to connections [MQTT 5.0, 3.1.2.10].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

mqtt::Connect with_keep_alive(std::string_view client,
                              std::uint16_t seconds,
                              ProtocolVersion version = v5) {
    auto packet = connect_packet(client, version);
    packet.keep_alive = seconds;
    return packet;
}

TEST(KeepAlive, AConnectionWithoutConnectIsClosed) {
    Limits limits;
    limits.connect_timeout = 5s;
    World world{limits};
    auto& client = world.open();
    world.advance(4'999ms);
    EXPECT_THAT(client.take(), IsEmpty());
    world.advance(1ms);
    EXPECT_THAT(client.take(), ElementsAre("CLOSED"));
    EXPECT_EQ(world.stats().connections, 0U);
}

TEST(KeepAlive, SilenceOfOneAndAHalfTimesTheIntervalEndsTheConnection) {
    // [MQTT-3.1.2-22, MQTT-3.2.2-22]
    World world;
    auto& modern = world.connect(with_keep_alive("a", 10, v5));
    auto& older = world.connect(with_keep_alive("b", 10, v3));
    world.advance(14'999ms);
    EXPECT_FALSE(modern.closed);
    EXPECT_FALSE(older.closed);
    world.advance(1ms);
    EXPECT_THAT(modern.take(), ElementsAre("DISCONNECT(8d)", "CLOSED"));
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));
    EXPECT_EQ(world.stats().keep_alive_timeouts, 2U);
    EXPECT_THAT(world.events, Contains("client.disconnected(a,keepalive_timeout)"));
}

TEST(KeepAlive, AnyPacketKeepsTheConnection) {
    World world;
    auto& client = world.connect(with_keep_alive("a", 10));
    for (int i = 0; i < 5; ++i) {
        world.advance(14s);
        client.send(mqtt::Pingreq{});
        EXPECT_THAT(client.take(), ElementsAre("PINGRESP"));
    }
    world.advance(14s);
    client.publish("a", "x");
    world.advance(14s);
    EXPECT_FALSE(client.closed);
    world.advance(1s);
    EXPECT_TRUE(client.closed);
}

TEST(KeepAlive, ZeroTurnsItOff) {
    World world;
    auto& client = world.connect(with_keep_alive("a", 0));
    world.advance(std::chrono::hours{100});
    EXPECT_FALSE(client.closed);
    EXPECT_EQ(world.broker.next_deadline(), std::nullopt);
}

TEST(KeepAlive, TheServersIntervalCountsInsteadOfTheClients) {
    Limits limits;
    limits.server_keep_alive = 4;
    World world{limits};
    auto& modern = world.connect(with_keep_alive("a", 0, v5));
    EXPECT_EQ(modern.connack().server_keep_alive, 4);
    // A client before 5.0 cannot be told.
    auto& older = world.connect(with_keep_alive("b", 0, v3));
    world.advance(6s);
    EXPECT_TRUE(modern.closed);
    EXPECT_FALSE(older.closed);
}

TEST(KeepAlive, TheFactorIsASetting) {
    Limits limits;
    limits.keep_alive_factor = 1.0;
    World world{limits};
    auto& client = world.connect(with_keep_alive("a", 10));
    world.advance(9'999ms);
    EXPECT_FALSE(client.closed);
    world.advance(1ms);
    EXPECT_TRUE(client.closed);
}

TEST(KeepAlive, APausedConnectionIsNotBlamedForSilence) {
    World world;
    auto& client = world.connect(with_keep_alive("a", 10));
    world.advance(10s);
    world.broker.pause(client.id(), world.now);
    world.advance(60s);
    EXPECT_FALSE(client.closed);
    world.broker.resume(client.id(), world.now);
    world.advance(14'999ms);
    EXPECT_FALSE(client.closed);
    world.advance(1ms);
    EXPECT_TRUE(client.closed);
}

TEST(KeepAlive, TheNextDeadlineIsTheFirstThatIsDue) {
    Limits limits;
    limits.connect_timeout = 5s;
    World world{limits};
    EXPECT_EQ(world.broker.next_deadline(), std::nullopt);
    world.open();
    EXPECT_EQ(world.broker.next_deadline(), world.now.steady + 5s);
    world.connect(with_keep_alive("a", 2));
    EXPECT_EQ(world.broker.next_deadline(), world.now.steady + 3s);
}

TEST(KeepAlive, AShortIntervalIsNotDelayedByTheTimeOutOfConnect) {
    Limits limits;
    limits.connect_timeout = 15s;
    World world{limits};
    auto& client = world.connect(with_keep_alive("a", 1));
    world.advance(1'500ms);
    EXPECT_TRUE(client.closed);
}

}  // namespace
}  // namespace keepmq::broker::testing
