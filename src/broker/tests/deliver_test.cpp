// Deliveries to clients: handshakes, the window, Packet Identifiers, resending
// [MQTT 5.0, 4.3, 4.4, 4.9].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

/// One subscriber of `t` with QoS 2, one publisher.
struct Deliver : ::testing::Test {
    explicit Deliver(const Limits& limits = {}) : world{limits} {}

    Client& subscriber(mqtt::Connect packet) {
        auto& client = world.connect(packet);
        client.subscribe("t", 2);
        client.take();
        return client;
    }
    Client& subscriber(std::uint16_t receive_maximum = 65'535) {
        auto packet = connect_packet("s", v5, true, 100);
        packet.receive_maximum = receive_maximum;
        return subscriber(packet);
    }
    Client& back(std::uint16_t receive_maximum = 65'535, ProtocolVersion version = v5) {
        auto packet = connect_packet("s", version, false, 100);
        packet.receive_maximum = receive_maximum;
        return world.connect(packet);
    }
    void publish(std::string_view payload, int qos, std::string_view topic = "t") {
        publisher.publish(topic, payload, qos, qos == 0 ? mqtt::PacketId{0} : ++last_id);
        if (qos == 2)
            publisher.pubrel(last_id);
    }

    World world;
    Client& publisher = world.connect("p");
    mqtt::PacketId last_id = 0;
};

TEST_F(Deliver, QosIsTheLowerOfPublishedAndGranted) {
    // [MQTT-3.8.4-8]
    auto& client = world.connect("s");
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_most_once},
                                  {.filter = "b", .qos = Qos::at_least_once},
                                  {.filter = "c", .qos = Qos::exactly_once}}));
    for (const auto* topic : {"a", "b", "c"}) {
        for (int qos = 0; qos <= 2; ++qos) publish("x", qos, topic);
    }
    EXPECT_THAT(client.take(),
                ElementsAre("SUBACK(100,00,01,02)",
                            "PUBLISH(a,x,q0)",
                            "PUBLISH(a,x,q0)",
                            "PUBLISH(a,x,q0)",
                            "PUBLISH(b,x,q0)",
                            "PUBLISH(b,x,q1)",
                            "PUBLISH(b,x,q1)",
                            "PUBLISH(c,x,q0)",
                            "PUBLISH(c,x,q1)",
                            "PUBLISH(c,x,q2)"));
}

TEST_F(Deliver, EveryMatchingSessionGetsIt) {
    // [MQTT-4.5.0-1, MQTT-3.3.2-3]
    auto& exact = world.connect("1");
    auto& plus = world.connect("2");
    auto& all = world.connect("3", v3);
    auto& other = world.connect("4");
    exact.subscribe("a/b");
    plus.subscribe("a/+");
    all.subscribe("#");
    other.subscribe("a");
    publish("x", 0, "a/b");
    EXPECT_THAT(exact.payloads(), ElementsAre("x"));
    EXPECT_THAT(plus.payloads(), ElementsAre("x"));
    EXPECT_THAT(all.payloads(), ElementsAre("x"));
    EXPECT_THAT(other.payloads(), IsEmpty());
}

TEST_F(Deliver, OrderOfAPublisherIsKept) {
    // [MQTT-4.6.0-5, MQTT-4.6.0-6]
    auto& client = subscriber(2);
    for (const auto* payload : {"1", "2", "3", "4", "5"}) publish(payload, 1);
    std::vector<std::string> got;
    for (int i = 0; i < 5; ++i) {
        for (auto& message : client.messages()) {
            got.push_back(message.payload);
            client.puback(message.packet_id);
        }
    }
    EXPECT_THAT(got, ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(Deliver, DupComingInIsNotPassedOn) {
    // [MQTT-3.3.1-3, MQTT-3.3.1-2, MQTT-4.3.1-1, MQTT-4.3.2-2, MQTT-4.3.3-2]
    auto& client = subscriber();
    for (int qos = 1; qos <= 2; ++qos) {
        auto packet = publish_packet("t", "x", qos, 1);
        packet.dup = true;
        publisher.send(packet);
        publisher.pubrel(1);
    }
    publish("x", 0);
    EXPECT_THAT(client.take(),
                ElementsAre("PUBLISH(t,x,q1)", "PUBLISH(t,x,q2)", "PUBLISH(t,x,q0)"));
}

TEST_F(Deliver, Qos1EndsWithPuback) {
    // [MQTT-4.3.2-3]
    auto& client = subscriber();
    publish("x", 1);
    EXPECT_EQ(world.session("s")->inflight, 1U);
    client.puback(client.messages().at(0).packet_id);
    EXPECT_EQ(world.session("s")->inflight, 0U);
    EXPECT_EQ(world.stats().inflight, 0U);
    EXPECT_THAT(client.take(), IsEmpty());
    EXPECT_THAT(world.events, Contains("message.delivered(s)"));
    EXPECT_EQ(world.events.back(), "message.acked(s)");
}

TEST_F(Deliver, Qos2TakesTwoSteps) {
    // [MQTT-4.3.3-3, MQTT-4.3.3-4, MQTT-4.3.3-5, MQTT-2.2.1-5]
    auto& client = subscriber();
    publish("x", 2);
    const auto id = client.messages().at(0).packet_id;
    client.pubcomp(id);  // too early, changes nothing
    client.puback(id);   // the wrong answer, changes nothing
    EXPECT_EQ(world.session("s")->inflight, 1U);
    client.pubrec(id);
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(" + std::to_string(id) + ")"));
    EXPECT_EQ(world.session("s")->inflight, 1U);
    EXPECT_THAT(world.events, Contains("message.acked(s)"));
    client.pubcomp(id);
    EXPECT_EQ(world.session("s")->inflight, 0U);
    EXPECT_EQ(world.stats().inflight, 0U);
}

TEST_F(Deliver, ARepeatedPubrecIsAnsweredAndCountsOnce) {
    auto& client = subscriber();
    publish("x", 2);
    client.pubrec(1);
    client.pubrec(1);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,x,q2)", "PUBREL(1)", "PUBREL(1)"));
    EXPECT_EQ(std::count(world.events.begin(), world.events.end(), "message.acked(s)"), 1);
}

TEST_F(Deliver, AcknowledgementsOfNothingAreHarmless) {
    // [MQTT-3.6.2-1]
    auto& client = subscriber();
    client.puback(5);
    client.pubcomp(5);
    client.pubrec(5);
    client.pubrec(6, ReasonCode::unspecified_error);
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(5,92)"));
    EXPECT_FALSE(client.closed);
}

TEST_F(Deliver, ANegativeAnswerEndsTheDelivery) {
    // [MQTT-4.4.0-2, MQTT-4.3.3-4]: no PUBREL, nothing again
    auto& client = subscriber();
    publish("1", 1);
    publish("2", 2);
    client.puback(1, ReasonCode::quota_exceeded);
    client.pubrec(2, ReasonCode::quota_exceeded);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,1,q1)", "PUBLISH(t,2,q2)"));
    EXPECT_EQ(world.stats().inflight, 0U);
    client.lose();
    EXPECT_THAT(back().take(), IsEmpty());
}

TEST_F(Deliver, PacketIdentifiersAreUnusedOnes) {
    // [MQTT-2.2.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1]
    auto& client = subscriber();
    std::vector<mqtt::PacketId> open;
    for (int i = 0; i < 200; ++i) {
        publish("x", 1 + i % 2);
        const auto id = client.messages().at(0).packet_id;
        EXPECT_NE(id, 0);
        EXPECT_THAT(open, Not(Contains(id)));
        open.push_back(id);
        if (i % 3 == 0) {
            const auto done = open[open.size() / 2];
            client.puback(done);
            client.pubrec(done);
            client.pubcomp(done);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(open.size() / 2));
            client.take();
        }
    }
}

TEST_F(Deliver, TheClientsReceiveMaximumIsTheWindow) {
    // [MQTT-3.3.4-9, MQTT-4.9.0-1, MQTT-4.9.0-2]
    auto& client = subscriber(2);
    for (const auto* payload : {"1", "2", "3", "4"}) publish(payload, 1 + (payload[0] - '0') % 2);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,1,q2)", "PUBLISH(t,2,q1)"));
    EXPECT_EQ(world.session("s")->queued, 2U);
    EXPECT_EQ(world.stats().queued, 2U);
    client.pubrec(1);  // PUBREC gives no quota back, PUBCOMP does
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
    client.pubcomp(1);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,3,q2)"));
    client.puback(2);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,4,q1)"));
    EXPECT_EQ(world.stats().queued, 0U);
}

TEST_F(Deliver, ARefusingPubrecGivesQuotaBack) {
    auto& client = subscriber(1);
    publish("1", 2);
    publish("2", 2);
    client.pubrec(1, ReasonCode::unspecified_error);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,1,q2)", "PUBLISH(t,2,q2)"));
}

TEST_F(Deliver, WithoutQuotaOtherPacketsAreSent) {
    // [MQTT-3.3.4-10, MQTT-4.9.0-3]
    auto& client = subscriber(1);
    publish("1", 1);
    publish("2", 1);
    publish("3", 0);
    client.send(mqtt::Pingreq{});
    client.publish("other", "x", 1, 1);
    EXPECT_THAT(client.take(),
                ElementsAre("PUBLISH(t,1,q1)", "PUBLISH(t,3,q0)", "PINGRESP", "PUBACK(1)"));
}

TEST_F(Deliver, WhatIsInFlightIsSentAgainOnTheNextConnection) {
    // [MQTT-4.4.0-1, MQTT-3.3.1-1, MQTT-4.3.3-6]
    auto& first = subscriber();
    publish("1", 1);
    publish("2", 2);
    publish("3", 2);
    first.pubrec(2);
    first.lose();
    auto& second = back();
    EXPECT_THAT(second.take(),
                ElementsAre("PUBLISH(t,1,q1,dup)", "PUBREL(2)", "PUBLISH(t,3,q2,dup)"));
    second.puback(1);
    second.pubcomp(2);
    second.pubrec(3);
    second.pubcomp(3);
    EXPECT_EQ(world.stats().inflight, 0U);
}

TEST_F(Deliver, NothingIsResentOnTheSameConnection) {
    // [MQTT-4.4.0-1]
    auto& client = subscriber();
    publish("1", 1);
    client.take();
    world.advance(std::chrono::hours{1});
    EXPECT_THAT(client.take(), IsEmpty());
}

TEST_F(Deliver, ResendingKeepsIdentifierAndPropertiesAndTheNewWindow) {
    auto& first = subscriber();
    for (const auto* payload : {"1", "2", "3"}) publish(payload, 1);
    const auto before = first.messages();
    first.lose();
    publish("4", 1);
    auto& second = back(2);
    auto got = second.messages();
    ASSERT_THAT(got, SizeIs(2));
    EXPECT_EQ(got[0].packet_id, before[0].packet_id);
    EXPECT_EQ(got[1].packet_id, before[1].packet_id);
    second.puback(got[0].packet_id);
    second.puback(got[1].packet_id);
    got = second.messages();
    ASSERT_THAT(got, SizeIs(2));
    EXPECT_EQ(got[0].payload, "3");
    EXPECT_TRUE(got[0].dup);
    EXPECT_EQ(got[1].payload, "4");
    EXPECT_FALSE(got[1].dup);
}

TEST_F(Deliver, AnAcknowledgementBeforeTheResendSavesIt) {
    auto& first = subscriber();
    publish("1", 1);
    publish("2", 1);
    first.lose();
    auto& second = back(1);
    EXPECT_THAT(second.take(), ElementsAre("PUBLISH(t,1,q1,dup)"));
    second.puback(2);
    second.puback(1);
    EXPECT_THAT(second.take(), IsEmpty());
    EXPECT_EQ(world.stats().inflight, 0U);
}

TEST_F(Deliver, AReleasedIdentifierTakesNoQuotaOnTheNextConnection) {
    auto& first = subscriber();
    publish("1", 2);
    first.pubrec(1);
    first.lose();
    publish("2", 1);
    publish("3", 1);
    auto& second = back(1);
    EXPECT_THAT(second.take(), ElementsAre("PUBREL(1)", "PUBLISH(t,2,q1)"));
    second.pubcomp(1);
    EXPECT_THAT(second.take(), IsEmpty());
    second.puback(2);
    EXPECT_THAT(second.take(), ElementsAre("PUBLISH(t,3,q1)"));
}

TEST_F(Deliver, ASessionThatChangesItsVersionIsServedInTheNewForm) {
    auto& first = subscriber();
    publish("1", 1);
    first.lose();
    publish("2", 2);
    auto& second = back(65'535, v3);
    EXPECT_THAT(second.take(), ElementsAre("PUBLISH(t,1,q1,dup)", "PUBLISH(t,2,q2)"));
}

struct NarrowServer : Deliver {
    static Limits narrow() {
        Limits limits;
        limits.max_inflight = 3;
        return limits;
    }
    NarrowServer() : Deliver{narrow()} {}
};

TEST_F(NarrowServer, TheServersOwnWindowHoldsForAllVersions) {
    auto& client = subscriber(connect_packet("s", v3));
    for (const auto* payload : {"1", "2", "3", "4"}) publish(payload, 1);
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2", "3"));
    client.puback(1);
    EXPECT_THAT(client.payloads(), ElementsAre("4"));
}

}  // namespace
}  // namespace keepmq::broker::testing
