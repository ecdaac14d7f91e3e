// CONNECT and its answer [MQTT 5.0, 3.1, 3.2].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

TEST(Connect, EveryVersionGetsItsConnack) {
    // [MQTT-3.1.4-5, MQTT-3.2.0-1]
    World world;
    for (const auto version : {v3_1, v3, v5}) {
        auto& client = world.open(version);
        client.connect("c");
        EXPECT_THAT(client.take(), ElementsAre("CONNACK(0)"));
        EXPECT_TRUE(world.broker.is_connected(ClientId{"c"}));
        EXPECT_EQ(world.session("c")->protocol_level, static_cast<int>(version));
    }
}

TEST(Connect, IdentifiersOfAnyLengthUpToTheLimitAreAccepted) {
    // [MQTT-3.1.3-5]
    Limits limits;
    limits.max_client_id_length = 30;
    World world{limits};
    auto& plain = world.open(v3);
    plain.connect("0123456789abcdefghijklmnopqrst");
    EXPECT_THAT(plain.take(), ElementsAre("CONNACK(0)"));

    // [MQTT-3.1.3-8]
    auto& longer = world.open(v5);
    longer.connect("0123456789abcdefghijklmnopqrstu");
    EXPECT_THAT(longer.take(), ElementsAre("CONNACK(85)", "CLOSED"));
    EXPECT_EQ(world.stats().refused_connects, 1U);
}

TEST(Connect, AnEmptyIdentifierGetsAUniqueOneThatIsReturned) {
    // [MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16]
    World world;
    auto& first = world.open(v5);
    auto& second = world.open(v5);
    first.connect("");
    second.connect("");
    EXPECT_TRUE(first.connack().assigned_client_identifier);
    EXPECT_TRUE(second.connack().assigned_client_identifier);
    EXPECT_EQ(world.stats().sessions, 2U);
    world.broker.each_session([](const SessionSnapshot& session) {
        EXPECT_TRUE(session.client.view().starts_with("keepmq_"));
        return true;
    });
}

TEST(Connect, TheAssignedIdentifierNamesTheSession) {
    // [MQTT-3.1.3-2, MQTT-3.1.3-7]
    World world;
    auto& first = world.connect(connect_packet("", v5, true, 100));
    std::string assigned;
    world.broker.each_session([&](const SessionSnapshot& session) {
        assigned = session.client.str();
        return true;
    });
    first.lose();
    auto& again = world.open(v5);
    again.send(connect_packet(assigned, v5, false, 100));
    EXPECT_THAT(again.take(), ElementsAre("CONNACK(0,present)"));
    EXPECT_FALSE(again.connack().assigned_client_identifier);
}

TEST(Connect, Version311AllowsAnEmptyIdentifierOnlyForACleanSession) {
    World world;
    auto& clean = world.open(v3);
    clean.connect("", true);
    EXPECT_THAT(clean.take(), ElementsAre("CONNACK(0)"));
    auto& lasting = world.open(v3);
    lasting.connect("", false);
    EXPECT_THAT(lasting.take(), ElementsAre("CONNACK(85)", "CLOSED"));
    auto& old = world.open(v3_1);
    old.connect("", true);
    EXPECT_THAT(old.take(), ElementsAre("CONNACK(85)", "CLOSED"));
}

TEST(Connect, TheFirstPacketMustBeConnect) {
    // [MQTT-3.1.0-1, MQTT-3.14.0-1]: closed, and no DISCONNECT before CONNACK
    World world;
    auto& client = world.open(v5);
    client.publish("a", "x");
    EXPECT_THAT(client.take(), ElementsAre("CLOSED"));
    EXPECT_TRUE(world.published.empty());
    EXPECT_EQ(world.stats().protocol_errors, 1U);
    EXPECT_EQ(world.stats().connections, 0U);
}

TEST(Connect, ASecondConnectIsAProtocolError) {
    // [MQTT-3.1.0-2, MQTT-3.2.0-2, MQTT-4.13.1-1]
    World world;
    auto& modern = world.connect("a", v5);
    modern.connect("a");
    EXPECT_THAT(modern.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
    auto& older = world.connect("b", v3);
    older.connect("b");
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));
}

TEST(Connect, NothingIsReadAfterARefusal) {
    // [MQTT-3.1.4-6, MQTT-3.2.2-6, MQTT-3.2.2-7]
    Limits limits;
    limits.max_client_id_length = 1;
    World world{limits};
    auto& client = world.open(v5);
    client.connect("too long");
    client.publish("a", "x");
    client.connect("c");
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(85)", "CLOSED"));
    EXPECT_TRUE(world.published.empty());
    EXPECT_EQ(world.stats().sessions, 0U);
}

TEST(Connect, AnAuthenticationMethodIsRefused) {
    // [MQTT-4.12.0-1]
    World world;
    auto packet = connect_packet("c");
    packet.authentication_method = "SCRAM-SHA-1";
    auto& client = world.open(v5);
    client.send(packet);
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(8c)", "CLOSED"));
}

TEST(Connect, AuthWithoutAMethodIsAProtocolError) {
    // [MQTT-4.12.0-6, MQTT-4.12.0-7]
    World world;
    auto& client = world.connect("c");
    client.send(mqtt::Auth{});
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
}

TEST(Connect, PacketsOfAServerAreAProtocolError) {
    World world;
    auto& client = world.connect("c");
    client.send(mqtt::Suback{});
    EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
}

TEST(Connect, TheAnswerNamesOnlyLimitsThatDifferFromTheUsual) {
    World world;
    const auto& answer = world.connect("c").connack();
    EXPECT_EQ(answer.receive_maximum, 1'000);
    EXPECT_EQ(answer.maximum_packet_size, 1'048'576U);
    EXPECT_EQ(answer.topic_alias_maximum, 65'535);
    EXPECT_FALSE(answer.maximum_qos);
    EXPECT_FALSE(answer.retain_available);
    EXPECT_FALSE(answer.wildcard_subscription_available);
    EXPECT_FALSE(answer.shared_subscription_available);
    EXPECT_FALSE(answer.server_keep_alive);
    EXPECT_FALSE(answer.session_expiry_interval);
    EXPECT_FALSE(answer.assigned_client_identifier);
    EXPECT_FALSE(answer.response_information);  // [MQTT-3.1.2-28]
}

TEST(Connect, TheAnswerNamesEveryLimitOfTheServer) {
    Limits limits;
    limits.receive_maximum = 7;
    limits.max_qos = Qos::at_least_once;
    limits.retain_available = false;
    limits.max_packet_size = 5'000;
    limits.max_topic_alias = 0;
    limits.wildcard_subscription = false;
    limits.shared_subscription = false;
    limits.server_keep_alive = 33;
    limits.max_session_expiry = 60s;
    World world{limits};
    const auto& answer = world.connect(connect_packet("c", v5, true, 61)).connack();
    EXPECT_EQ(answer.receive_maximum, 7);
    EXPECT_EQ(answer.maximum_qos, Qos::at_least_once);  // [MQTT-3.2.2-9]
    EXPECT_EQ(answer.retain_available, false);
    EXPECT_EQ(answer.maximum_packet_size, 5'000U);
    EXPECT_FALSE(answer.topic_alias_maximum);
    EXPECT_EQ(answer.wildcard_subscription_available, false);
    EXPECT_EQ(answer.shared_subscription_available, false);
    EXPECT_EQ(answer.server_keep_alive, 33);
    EXPECT_EQ(answer.session_expiry_interval, 60U);
    EXPECT_EQ(world.session("c")->keep_alive, 33);
    EXPECT_EQ(world.session("c")->expiry_interval, 60U);
}

TEST(Connect, AWillAboveTheMaximumQosIsRefused) {
    // [MQTT-3.2.2-12, MQTT-3.1.4-2]
    Limits limits;
    limits.max_qos = Qos::at_least_once;
    World world{limits};
    auto packet = connect_packet("c");
    packet.will = mqtt::Will{.topic = "w", .qos = Qos::exactly_once};
    auto& client = world.open(v5);
    client.send(packet);
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(9b)", "CLOSED"));
    EXPECT_FALSE(world.session("c"));
}

TEST(Connect, ARetainedWillIsRefusedWhereNothingIsRetained) {
    // [MQTT-3.2.2-13]
    Limits limits;
    limits.retain_available = false;
    World world{limits};
    auto packet = connect_packet("c");
    packet.will = mqtt::Will{.topic = "w", .retain = true};
    auto& client = world.open(v5);
    client.send(packet);
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(9a)", "CLOSED"));
}

TEST(Connect, AWillWithTooManyTopicLevelsIsRefused) {
    Limits limits;
    limits.max_topic_levels = 3;
    World world{limits};
    auto packet = connect_packet("c");
    packet.will = mqtt::Will{.topic = "a/b/c/d"};
    auto& client = world.open(v5);
    client.send(packet);
    EXPECT_THAT(client.take(), ElementsAre("CONNACK(90)", "CLOSED"));
    packet.will->topic = "a/b/c";
    auto& other = world.open(v5);
    other.send(packet);
    EXPECT_THAT(other.take(), ElementsAre("CONNACK(0)"));
}

TEST(Connect, TooManyConnectionsAreRefused) {
    Limits limits;
    limits.max_connections = 1;
    World world{limits};
    world.connect("a");
    auto& modern = world.open(v5);
    modern.connect("b");
    EXPECT_THAT(modern.take(), ElementsAre("CONNACK(97)", "CLOSED"));
    auto& older = world.open(v3);
    older.connect("c");
    EXPECT_THAT(older.take(), ElementsAre("CONNACK(88)", "CLOSED"));
    EXPECT_EQ(world.stats().connections, 1U);
    EXPECT_EQ(world.stats().refused_connects, 2U);
}

TEST(Connect, TooManySessionsAreRefusedButAnExistingOneMayComeBack) {
    Limits limits;
    limits.max_sessions = 1;
    World world{limits};
    world.connect(connect_packet("a", v5, true, 100)).lose();
    auto& other = world.open(v5);
    other.connect("b");
    EXPECT_THAT(other.take(), ElementsAre("CONNACK(97)", "CLOSED"));
    auto& same = world.open(v5);
    same.send(connect_packet("a", v5, false, 100));
    EXPECT_THAT(same.take(), ElementsAre("CONNACK(0,present)"));
}

TEST(Connect, WhatTheCodecRefusesIsAnsweredAsTheVersionAllows) {
    // [MQTT-3.1.2-2, MQTT-3.1.4-1]
    World world;
    auto& unknown = world.open(v3);
    world.broker.on_refused(unknown.id(), ReasonCode::unsupported_protocol_version, v3, world.now);
    world.run();
    EXPECT_THAT(unknown.take(), ElementsAre("CONNACK(84)", "CLOSED"));

    auto& modern = world.open(v5);
    world.broker.on_refused(modern.id(), ReasonCode::malformed_packet, v5, world.now);
    world.run();
    EXPECT_THAT(modern.take(), ElementsAre("CONNACK(81)", "CLOSED"));

    // 3.1.1 has no return code for it.
    auto& older = world.open(v3);
    world.broker.on_refused(older.id(), ReasonCode::malformed_packet, v3, world.now);
    world.run();
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));

    auto& noise = world.open(v3);
    world.broker.on_refused(noise.id(), ReasonCode::malformed_packet, std::nullopt, world.now);
    world.run();
    EXPECT_THAT(noise.take(), ElementsAre("CLOSED"));
    EXPECT_EQ(world.stats().refused_connects, 4U);
}

TEST(Connect, WhatTheCodecRefusesLaterEndsTheConnection) {
    // [MQTT-4.13.1-1, MQTT-4.13.2-1]
    World world;
    auto& modern = world.connect("a", v5);
    world.broker.on_refused(modern.id(), ReasonCode::packet_too_large, std::nullopt, world.now);
    world.run();
    EXPECT_THAT(modern.take(), ElementsAre("DISCONNECT(95)", "CLOSED"));
    auto& older = world.connect("b", v3);
    world.broker.on_refused(older.id(), ReasonCode::malformed_packet, std::nullopt, world.now);
    world.run();
    EXPECT_THAT(older.take(), ElementsAre("CLOSED"));
}

TEST(Connect, ARefusedSecondConnectIsAnsweredWithACodeThatDisconnectKnows) {
    // [MQTT-3.14.2-1]: 0x84 and 0x85 are codes of CONNACK only
    World world;
    for (const auto reason :
         {ReasonCode::unsupported_protocol_version, ReasonCode::client_identifier_not_valid}) {
        auto& client = world.connect("c");
        world.broker.on_refused(client.id(), reason, v5, world.now);
        world.run();
        EXPECT_THAT(client.take(), ElementsAre("DISCONNECT(82)", "CLOSED"));
    }
}

TEST(Connect, TheDecoderLearnsVersionAndLimit) {
    Limits limits;
    limits.max_packet_size = 1'000;
    World world{limits};
    const auto& client = world.connect("c", v5);
    const auto options = world.broker.decode_options(client.id());
    EXPECT_EQ(options.version, v5);
    EXPECT_EQ(options.maximum_packet_size, 1'000U);
    EXPECT_EQ(options.sender, mqtt::Sender::client);
}

TEST(Connect, PingIsAnswered) {
    // [MQTT-3.12.4-1]
    World world;
    auto& client = world.connect("c");
    client.send(mqtt::Pingreq{});
    EXPECT_THAT(client.take(), ElementsAre("PINGRESP"));
}

}  // namespace
}  // namespace keepmq::broker::testing
