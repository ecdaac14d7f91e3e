// Deliveries that wait, and those that are dropped: each with its counter.

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

/// A lasting subscriber `s` of `t` and a publisher.
struct Queue {
    explicit Queue(const Limits& limits = {}) : world{limits} {
        online = &world.connect(connect_packet("s", v5, true, 1'000));
        online->subscribe("t", 2);
        online->take();
    }
    Client& back() {
        online = &world.connect(connect_packet("s", v5, false, 1'000));
        return *online;
    }
    void publish(std::string_view payload, int qos, std::optional<std::uint32_t> expiry = {}) {
        auto packet = publish_packet("t", payload, qos, qos == 0 ? mqtt::PacketId{0} : ++last_id);
        packet.properties.message_expiry_interval = expiry;
        publisher.send(packet);
        if (qos == 2)
            publisher.pubrel(last_id);
    }

    World world;
    Client& publisher = world.connect("p");
    Client* online = nullptr;
    mqtt::PacketId last_id = 0;
};

TEST(Queue, HoldsMessagesOfAnAbsentClientInOrder) {
    Queue q;
    q.online->lose();
    q.publish("1", 1);
    q.publish("2", 2);
    q.publish("3", 1);
    EXPECT_EQ(q.world.session("s")->queued, 3U);
    EXPECT_THAT(q.back().take(),
                ElementsAre("PUBLISH(t,1,q1)", "PUBLISH(t,2,q2)", "PUBLISH(t,3,q1)"));
}

TEST(Queue, Qos0IsNotKeptForAnAbsentClient) {
    Queue q;
    q.online->lose();
    q.publish("1", 0);
    EXPECT_EQ(q.world.stats().dropped_qos0_absent, 1U);
    EXPECT_THAT(q.back().take(), IsEmpty());
}

TEST(Queue, Qos0IsKeptIfTheSettingSaysSo) {
    Limits limits;
    limits.queue_qos0 = true;
    Queue q{limits};
    q.online->lose();
    q.publish("1", 0);
    q.publish("2", 1);
    q.publish("3", 0);
    EXPECT_EQ(q.world.stats().dropped_qos0_absent, 0U);
    EXPECT_THAT(q.back().payloads(), ElementsAre("1", "2", "3"));
    EXPECT_EQ(q.world.stats().queued, 0U);
}

TEST(Queue, Qos0DoesNotOvertakeQos0ThatWaits) {
    // [MQTT-4.6.0-5]
    Limits limits;
    limits.queue_qos0 = true;
    limits.max_inflight = 1;
    Queue q{limits};
    q.online->lose();
    q.publish("1", 1);
    q.publish("2", 1);
    q.publish("3", 0);
    auto& client = q.back();
    q.publish("4", 0);
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
    client.puback(1);
    EXPECT_THAT(client.payloads(), ElementsAre("2", "3", "4"));
}

TEST(Queue, ItsLengthIsLimited) {
    Limits limits;
    limits.max_queue_length = 2;
    Queue q{limits};
    q.online->lose();
    for (const auto* payload : {"1", "2", "3"}) q.publish(payload, 1);
    EXPECT_EQ(q.world.stats().dropped_queue_full, 1U);
    EXPECT_EQ(q.world.session("s")->dropped, 1U);
    EXPECT_THAT(q.back().payloads(), ElementsAre("1", "2"));
}

TEST(Queue, ItsBytesAreLimited) {
    Limits limits;
    limits.max_queue_bytes = 10'000;
    Queue q{limits};
    q.online->lose();
    const std::string large(6'000, 'x');
    q.publish(large, 1);
    q.publish(large, 1);
    q.publish("small", 1);
    EXPECT_EQ(q.world.stats().dropped_queue_full, 1U);
    EXPECT_THAT(q.back().payloads(), ElementsAre(large, "small"));
    q.online->puback(1);
    q.online->puback(2);
    q.online->lose();
    q.publish(large, 1);  // what was sent takes no room any more
    EXPECT_EQ(q.world.stats().dropped_queue_full, 1U);
}

TEST(Queue, ASlowReaderLosesQos0AndKeepsTheRest) {
    Limits limits;
    limits.max_outbox = 100;
    Queue q{limits};
    q.world.write_outboxes = false;
    const std::string large(120, 'x');
    q.publish(large, 0);
    q.publish("1", 0);
    q.publish("2", 1);
    q.publish("3", 1);
    EXPECT_EQ(q.world.stats().dropped_slow_reader, 1U);
    EXPECT_EQ(q.world.session("s")->queued, 2U);
    q.world.write_all();
    EXPECT_THAT(q.online->payloads(), ElementsAre(large, "2", "3"));
    EXPECT_EQ(q.world.session("s")->queued, 0U);
}

TEST(Queue, WritingAPartMakesRoomForAPart) {
    Limits limits;
    limits.max_outbox = 100;
    Queue q{limits};
    q.world.write_outboxes = false;
    for (int i = 0; i < 10; ++i) q.publish(std::string(80, 'x'), 1);
    EXPECT_EQ(q.world.session("s")->inflight, 2U);
    auto& outbox = q.world.broker.outbox(q.online->id());
    outbox.consume(outbox.size() / 2);
    q.world.broker.on_written(q.online->id(), q.world.now);
    EXPECT_EQ(q.world.session("s")->inflight, 3U);
    q.world.broker.on_written(q.online->id(), q.world.now);
    EXPECT_EQ(q.world.session("s")->inflight, 3U);
}

TEST(Queue, ResendingWaitsForRoomToo) {
    Limits limits;
    limits.max_outbox = 100;
    Queue q{limits};
    for (int i = 0; i < 5; ++i) q.publish(std::string(80, 'x'), 1);
    q.online->lose();
    q.world.write_outboxes = false;
    auto& client = q.back();
    EXPECT_LT(client.unsent().size(), 300U);
    q.world.write_all();
    EXPECT_THAT(client.messages(), SizeIs(5));
}

TEST(Expiry, AMessageThatWaitedTooLongIsNotDelivered) {
    // [MQTT-3.3.2-5]
    Queue q;
    q.online->lose();
    q.publish("short", 1, 10);
    q.publish("long", 1, 100);
    q.world.advance(10s);
    const auto got = q.back().messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].payload, "long");
    EXPECT_EQ(got[0].expiry, 90U);  // [MQTT-3.3.2-6]
    EXPECT_EQ(q.world.stats().dropped_expired, 1U);
}

TEST(Expiry, TheIntervalIsReducedByTheTimeThatPassed) {
    // [MQTT-3.3.2-6]
    Queue q;
    q.online->lose();
    q.publish("x", 1, 100);
    q.world.advance(30'200ms);
    EXPECT_EQ(q.back().messages().at(0).expiry, 70U);
}

TEST(Expiry, AMessageThatExpiresBeforeItIsRoutedIsDropped) {
    Queue q;
    q.world.auto_route = false;
    q.publish("0", 0, 10);
    q.publish("1", 1, 10);
    q.world.advance(10s);
    for (const auto& message : q.world.published) q.world.broker.route(message, q.world.now);
    q.world.run();
    EXPECT_THAT(q.online->payloads(), IsEmpty());
    EXPECT_EQ(q.world.stats().dropped_expired, 2U);
}

TEST(Expiry, AnExchangeThatBeganGoesOn) {
    // [MQTT-4.3.3-7, MQTT-4.3.3-13]
    Queue q;
    q.publish("x", 2, 10);
    q.publish("y", 1, 10);
    q.online->lose();
    q.world.advance(20s);
    auto& client = q.back();
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,x,q2,dup)", "PUBLISH(t,y,q1,dup)"));
    client.pubrec(1);
    client.pubcomp(1);
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

TEST(PacketSize, WhatIsTooLargeForTheClientIsDroppedAsIfDelivered) {
    // [MQTT-3.1.2-24, MQTT-3.1.2-25]
    World world;
    auto packet = connect_packet("s", v5, true, 100);
    packet.maximum_packet_size = 50;
    auto& client = world.connect(packet);
    client.subscribe("t", 2);
    client.take();
    auto& publisher = world.connect("p");
    const std::string large(60, 'x');
    for (int qos = 0; qos <= 2; ++qos)
        publisher.publish("t", large, qos, static_cast<mqtt::PacketId>(qos));
    publisher.publish("t", "small", 1, 3);
    EXPECT_THAT(client.payloads(), ElementsAre("small"));
    EXPECT_EQ(world.stats().dropped_too_large, 3U);
    EXPECT_EQ(world.stats().inflight, 1U);
    EXPECT_FALSE(client.closed);
}

TEST(PacketSize, TheLimitCountsTheWholePacket) {
    // [MQTT-3.1.2-24]
    World world;
    auto packet = connect_packet("s", v5, true, 100);
    packet.maximum_packet_size = 50;
    auto& client = world.connect(packet);
    client.subscribe("t", 1);
    client.take();
    world.write_outboxes = false;
    auto& publisher = world.connect("p");
    // Fixed header 2, topic 3, identifier 2, properties 1.
    publisher.publish("t", std::string(42, 'x'), 1, 1);
    EXPECT_EQ(client.unsent().size(), 50U);
    publisher.publish("t", std::string(43, 'x'), 1, 2);
    EXPECT_EQ(client.unsent().size(), 50U);
}

TEST(PacketSize, ANewConnectionMayAcceptLess) {
    Queue q;
    q.publish(std::string(100, 'x'), 1);
    q.publish("small", 1);
    q.online->lose();
    q.publish(std::string(100, 'y'), 2);
    auto packet = connect_packet("s", v5, false, 100);
    packet.maximum_packet_size = 50;
    auto& client = q.world.connect(packet);
    EXPECT_THAT(client.payloads(), ElementsAre("small"));
    EXPECT_EQ(q.world.stats().inflight, 1U);
    EXPECT_EQ(q.world.stats().queued, 0U);
}

TEST(Queue, ItEndsWithTheSession) {
    Queue q;
    q.publish("1", 1);
    q.online->lose();
    q.publish("2", 1);
    EXPECT_EQ(q.world.stats().queued, 1U);
    EXPECT_EQ(q.world.stats().inflight, 1U);
    q.world.advance(1'000s);
    EXPECT_EQ(q.world.stats().queued, 0U);
    EXPECT_EQ(q.world.stats().inflight, 0U);
    q.publish("3", 1);
    EXPECT_EQ(q.world.stats().dropped_no_subscriber, 1U);
}

TEST(Queue, LostConnectionsKeepWhatWasNotWritten) {
    Queue q;
    q.world.write_outboxes = false;
    q.publish("1", 1);
    q.online->lose();
    q.world.write_outboxes = true;
    EXPECT_THAT(q.back().take(), ElementsAre("PUBLISH(t,1,q1,dup)"));
}

}  // namespace
}  // namespace keepmq::broker::testing
