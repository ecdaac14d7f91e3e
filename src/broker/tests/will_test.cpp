// Will messages [MQTT 5.0, 3.1.2.5, 3.1.3.2].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

mqtt::Connect with_will(std::string_view client,
                        std::uint32_t delay = 0,
                        std::uint32_t expiry = 0,
                        ProtocolVersion version = v5) {
    auto packet = connect_packet(client, version, true, expiry);
    packet.will = mqtt::Will{.topic = "will", .payload = "gone", .delay_interval = delay};
    return packet;
}

struct Wills : ::testing::Test {
    World world;
    Client& watcher = [this]() -> Client& {
        auto& client = world.connect("watcher");
        client.subscribe("will", 2);
        client.take();
        return client;
    }();
};

TEST_F(Wills, ALostConnectionPublishesIt) {
    // [MQTT-3.1.2-7, MQTT-3.1.2-8]
    auto& client = world.connect(with_will("c"));
    EXPECT_THAT(watcher.payloads(), IsEmpty());
    client.lose();
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, ANormalDisconnectWithdrawsIt) {
    // [MQTT-3.1.2-10, MQTT-3.14.4-3]
    for (const auto version : {v3, v5}) {
        world.connect(with_will("c", 0, 100, version)).disconnect();
        world.advance(200s);
        EXPECT_THAT(watcher.payloads(), IsEmpty());
    }
}

TEST_F(Wills, ADisconnectMayAskForIt) {
    world.connect(with_will("c")).disconnect(ReasonCode::disconnect_with_will_message);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    EXPECT_THAT(world.events, Contains("client.disconnected(c,normal_with_will)"));
    world.connect(with_will("c")).disconnect(ReasonCode::unspecified_error);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, AProtocolErrorPublishesIt) {
    world.connect(with_will("c")).send(mqtt::Auth{});
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, SilencePublishesIt) {
    auto packet = with_will("c");
    packet.keep_alive = 10;
    world.connect(packet);
    world.advance(15s);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, ItIsPublishedOnce) {
    // [MQTT-3.1.2-10]
    world.connect(with_will("c", 0, 100)).lose();
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    world.connect(connect_packet("c", v5, false, 0)).lose();
    EXPECT_THAT(watcher.payloads(), IsEmpty());
}

TEST_F(Wills, ADelayHoldsItBack) {
    world.connect(with_will("c", 10, 100)).lose();
    world.advance(9'999ms);
    EXPECT_THAT(watcher.payloads(), IsEmpty());
    world.advance(1ms);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    world.advance(200s);
    EXPECT_THAT(watcher.payloads(), IsEmpty());
}

TEST_F(Wills, TheDelayEndsWithTheSession) {
    world.connect(with_will("c", 100, 10)).lose();
    world.advance(10s);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    world.connect(with_will("d", 100, 0)).lose();
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, ComingBackInTimeWithdrawsIt) {
    // [MQTT-3.1.3-9]
    world.connect(with_will("c", 10, 100)).lose();
    world.advance(5s);
    world.connect(connect_packet("c", v5, false, 100));
    world.advance(50s);
    EXPECT_THAT(watcher.payloads(), IsEmpty());
}

TEST_F(Wills, ComingBackWithCleanStartPublishesIt) {
    world.connect(with_will("c", 10, 100)).lose();
    world.connect(connect_packet("c", v5, true, 100));
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, TakeOverPublishesItUnlessItHasADelay) {
    world.connect(with_will("c", 0, 100));
    world.connect(connect_packet("c", v5, false, 100));
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));

    world.connect(with_will("d", 10, 100));
    world.connect(connect_packet("d", v5, false, 100));
    world.advance(50s);
    EXPECT_THAT(watcher.payloads(), IsEmpty());
}

TEST_F(Wills, TakeOverThatDiscardsTheSessionPublishesADelayedOne) {
    world.connect(with_will("c", 10, 100));
    world.connect(connect_packet("c", v5, true, 100));
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    world.connect(with_will("d", 10, 0));
    world.connect(connect_packet("d", v5, false, 100));
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, TheNewConnectionBringsItsOwn) {
    world.connect(with_will("c", 10, 100)).lose();
    auto packet = with_will("c", 0, 100);
    packet.clean_start = false;
    packet.will->payload = "gone again";
    auto& second = world.connect(packet);
    world.advance(50s);
    EXPECT_THAT(watcher.payloads(), IsEmpty());
    second.lose();
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone again"));
}

TEST_F(Wills, ADisconnectThatEndsTheSessionPublishesTheDelayedWillAtOnce) {
    auto& client = world.connect(with_will("c", 10, 100));
    mqtt::Disconnect packet;
    packet.reason = ReasonCode::disconnect_with_will_message;
    packet.session_expiry_interval = 0;
    client.send(packet);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

TEST_F(Wills, QosAndPropertiesAreThoseOfTheWill) {
    // [MQTT-3.1.3-10]
    auto packet = with_will("c");
    packet.will->qos = Qos::exactly_once;
    auto& properties = packet.will->properties;
    properties.payload_format_indicator = 1;
    properties.message_expiry_interval = 60;
    properties.content_type = "text/plain";
    properties.response_topic = "answers";
    properties.correlation_data = "17";
    properties.user_properties = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
    world.connect(packet).lose();
    const auto got = watcher.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].qos, Qos::exactly_once);
    EXPECT_EQ(got[0].payload_format, 1);
    EXPECT_EQ(got[0].expiry, 60U);
    EXPECT_EQ(got[0].content_type, "text/plain");
    EXPECT_EQ(got[0].response_topic, "answers");
    EXPECT_EQ(got[0].correlation_data, "17");
    using Pair = std::pair<std::string, std::string>;
    EXPECT_THAT(got[0].user_properties,
                ElementsAre(Pair{"b", "1"}, Pair{"a", "2"}, Pair{"b", "3"}));
}

TEST_F(Wills, RetainIsAsTheWillSays) {
    // [MQTT-3.1.2-14]
    world.connect(with_will("c")).lose();
    EXPECT_EQ(world.stats().retained, 0U);
    // [MQTT-3.1.2-15]
    auto packet = with_will("c");
    packet.will->retain = true;
    world.connect(packet).lose();
    EXPECT_EQ(world.stats().retained, 1U);
    auto& late = world.connect("late");
    late.subscribe("will");
    EXPECT_THAT(late.take(), ElementsAre("SUBACK(100,00)", "PUBLISH(will,gone,q0,retain)"));
}

TEST_F(Wills, ExpiryOfTheMessageCountsFromItsPublication) {
    auto packet = with_will("c", 20, 100);
    packet.will->properties.message_expiry_interval = 10;
    world.connect(packet).lose();
    world.advance(20s);
    const auto got = watcher.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].expiry, 10U);
}

TEST_F(Wills, RulesSeeItAsAMessageOfTheClientWithoutATicket) {
    world.connect(with_will("c")).lose();
    ASSERT_THAT(world.published, SizeIs(1));
    EXPECT_EQ(world.published[0]->sender, ClientId{"c"});
    EXPECT_FALSE(world.published[0]->id.is_null());
    EXPECT_THAT(world.tickets, IsEmpty());
}

TEST_F(Wills, NoLocalHoldsForTheOwnWill) {
    auto& client = world.connect(with_will("c", 0, 100));
    client.send(subscribe_packet({{.filter = "will", .no_local = true}}));
    client.lose();
    auto& again = world.connect(connect_packet("c", v5, false, 100));
    EXPECT_THAT(again.payloads(), IsEmpty());
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
}

}  // namespace
}  // namespace keepmq::broker::testing
