// Retained messages from PUBLISH to SUBSCRIBE [MQTT 5.0, 3.3.1.3, 3.8.3.1].

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

using mqtt::RetainHandling;

struct RetainedDelivery : ::testing::Test {
    void retain(std::string_view topic, std::string_view payload, int qos = 0) {
        publisher.publish(topic, payload, qos, qos == 0 ? mqtt::PacketId{0} : ++last_id, true);
    }
    /// What a new client gets for the filter.
    std::vector<std::string> found(std::string_view filter, int qos = 2) {
        auto& client = world.connect("visitor");
        client.subscribe(filter, qos);
        auto got = client.take();
        got.erase(got.begin());
        client.disconnect();
        return got;
    }

    World world;
    Client& publisher = world.connect("p");
    mqtt::PacketId last_id = 0;
};

TEST_F(RetainedDelivery, TheNewestOfATopicIsKept) {
    // [MQTT-3.3.1-5]
    retain("a", "1");
    retain("a", "2", 1);
    EXPECT_THAT(found("a"), ElementsAre("PUBLISH(a,2,q1,retain)"));
    EXPECT_EQ(world.stats().retained, 1U);
}

/// As fast as the client reads, and none is lost to the limits of queue and outbox.
TEST(ManyRetained, AllComeAndWhatIsNewerComesBehind) {
    for (const int qos : {0, 1}) {
        Limits limits;
        limits.max_outbox = 500;
        limits.max_queue_length = 5;
        World world{limits};
        auto& publisher = world.connect("p");
        std::vector<std::string> expected;
        for (int i = 100; i < 400; ++i) {
            const auto topic = "t/" + std::to_string(i);
            publisher.publish(topic, topic, qos, static_cast<mqtt::PacketId>(qos * i), true);
            expected.push_back(topic);
        }
        auto& reader = world.connect("r");
        world.write_outboxes = false;
        reader.subscribe("t/+", qos);
        publisher.publish("t/100", "newer", qos, static_cast<mqtt::PacketId>(qos));
        expected.emplace_back("newer");
        EXPECT_LT(reader.unsent().size(), 1000U) << "the others wait";
        world.write_outboxes = true;
        std::vector<std::string> got;
        for (int turn = 0; turn < 500 && got.size() < expected.size(); ++turn) {
            world.write_all();
            for (const auto& message : reader.messages()) {
                got.push_back(message.payload);
                if (qos == 1)
                    reader.puback(message.packet_id);
            }
        }
        EXPECT_EQ(got, expected);
        EXPECT_EQ(world.stats().queued, 0U);
    }
}

/// Nobody else waits until a new subscriber has them all.
struct PortionsOfRetained : ::testing::Test {
    PortionsOfRetained() {
        world.auto_go_on = false;
        for (int i = 10; i < 15; ++i)
            publisher.publish("t/" + std::to_string(i), std::to_string(i), 0, 0, true);
    }
    static Limits two_at_once() {
        Limits limits;
        limits.retained_portion = 2;
        return limits;
    }
    /// What comes until nothing goes on any more.
    std::vector<std::string> rest(Client& reader) {
        world.auto_go_on = true;
        world.run();
        return reader.payloads();
    }
    World world{two_at_once()};
    Client& publisher = world.connect("p");
};

TEST_F(PortionsOfRetained, ComeOneAfterTheOther) {
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    EXPECT_THAT(reader.payloads(), ElementsAre("10", "11"));
    EXPECT_THAT(world.going_on, SizeIs(1));
    publisher.publish("t/10", "live");
    EXPECT_THAT(reader.payloads(), IsEmpty()) << "the live one comes behind all of them";
    world.go_on();
    world.run();
    EXPECT_THAT(reader.payloads(), ElementsAre("12", "13"));
    world.go_on();
    world.run();
    EXPECT_THAT(reader.payloads(), ElementsAre("14", "live"));
    EXPECT_THAT(world.going_on, IsEmpty());
}

TEST_F(PortionsOfRetained, WhatIsReplacedOrRemovedMeanwhileDoesNotComeAnyMore) {
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    EXPECT_THAT(reader.payloads(), ElementsAre("10", "11"));
    publisher.publish("t/12", "newer", 0, 0, true);
    publisher.publish("t/13", "", 0, 0, true);
    EXPECT_THAT(rest(reader), ElementsAre("14", "newer", ""));
}

TEST_F(PortionsOfRetained, TheDeadlineOfAReplayDoesNotMixThem) {
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    publisher.publish("t/14", "newer", 0, 0, true);
    world.advance(1h);
    EXPECT_THAT(rest(reader), ElementsAre("10", "11", "12", "13", "newer"));
}

/// What it waits for came only after the deadline, so that it holds nothing.
TEST_F(PortionsOfRetained, OfALateSubscriptionAreReplacedToo) {
    world.auto_plan = false;
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    ReplayPlan plan;
    plan.awaited_retained = 1;
    world.plan(plan);
    world.advance(1h);
    world.broker.on_retained_found(world.subscribed.back().fence, {}, world.now);
    world.run();
    publisher.publish("t/14", "newer", 0, 0, true);
    EXPECT_THAT(rest(reader), ElementsAre("10", "11", "newer", "12", "13"));
}

TEST_F(PortionsOfRetained, EndWithTheSubscription) {
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    reader.unsubscribe("t/+");
    EXPECT_THAT(reader.payloads(), ElementsAre("10", "11"));
    EXPECT_THAT(rest(reader), IsEmpty());
}

TEST_F(PortionsOfRetained, SurviveAnotherSubscribe) {
    // [MQTT-3.8.4-4]
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    reader.send(subscribe_packet({{.filter = "t/+",
                                   .qos = Qos::at_least_once,
                                   .retain_handling = RetainHandling::do_not_send}}));
    publisher.publish("t/14", "newer", 0, 0, true);
    EXPECT_THAT(rest(reader), ElementsAre("10", "11", "12", "13", "newer"));
}

TEST_F(PortionsOfRetained, AFilterManyTimesInOnePacketIsSentOnePortionAtATime) {
    auto& reader = world.connect("r");
    std::vector<mqtt::SubscribeEntry> same(3, {.filter = "t/+"});
    reader.send(subscribe_packet(std::move(same)));
    EXPECT_THAT(reader.payloads(), ElementsAre("10", "11"));
    EXPECT_THAT(world.going_on, SizeIs(1));
}

/// The buffer of live messages is not for minutes of them.
TEST_F(PortionsOfRetained, AreOneWhenMuchWaitsBehindThem) {
    auto limits = two_at_once();
    limits.replay_buffer = 4;
    world.broker.set_limits(limits);
    auto& reader = world.connect("r");
    reader.subscribe("t/+");
    for (int i = 0; i < 3; ++i) publisher.publish("t/10", "live");
    world.go_on();
    world.run();
    EXPECT_THAT(reader.payloads(),
                ElementsAre("10", "11", "12", "13", "14", "live", "live", "live"));
}

TEST_F(PortionsOfRetained, AreOneIfTheyMustSurviveARestart) {
    world.broker.restore({}, world.now);
    auto& reader = world.connect(connect_packet("r", v5, false, 600));
    reader.subscribe("t/+", 1);
    world.broker.on_committed(world.broker.changes_made());
    world.run();
    EXPECT_THAT(reader.payloads(), SizeIs(5));
    EXPECT_THAT(world.going_on, IsEmpty());
}

TEST_F(RetainedDelivery, WithoutTheFlagNothingChanges) {
    // [MQTT-3.3.1-8]
    retain("a", "1");
    publisher.publish("a", "2");
    publisher.publish("a", "");
    EXPECT_THAT(found("a"), ElementsAre("PUBLISH(a,1,q0,retain)"));
}

TEST_F(RetainedDelivery, AnEmptyPayloadRemovesIt) {
    // [MQTT-3.3.1-6, MQTT-3.3.1-7]
    auto& watcher = world.connect("w");
    watcher.subscribe("a");
    retain("a", "1");
    retain("a", "");
    EXPECT_THAT(found("a"), IsEmpty());
    EXPECT_EQ(world.stats().retained, 0U);
    EXPECT_THAT(watcher.take(), ElementsAre("SUBACK(100,00)", "PUBLISH(a,1,q0)", "PUBLISH(a,,q0)"));
}

TEST_F(RetainedDelivery, AllTopicsOfTheFilterAreSent) {
    retain("a/b", "1");
    retain("a", "2", 2);
    retain("c", "3");
    retain("$x", "4");
    EXPECT_THAT(
        found("#"),
        ElementsAre(
            "PUBLISH(a,2,q2,retain)", "PUBLISH(a/b,1,q0,retain)", "PUBLISH(c,3,q0,retain)"));
    EXPECT_THAT(found("a/#", 1), ElementsAre("PUBLISH(a,2,q1,retain)", "PUBLISH(a/b,1,q0,retain)"));
}

TEST_F(RetainedDelivery, RetainHandlingSaysWhetherTheyAreSent) {
    retain("a", "x");
    auto& client = world.connect("c");
    const auto subscribe = [&](std::string_view filter, RetainHandling handling) {
        client.send(subscribe_packet({{.filter = filter, .retain_handling = handling}}));
        auto got = client.take();
        got.erase(got.begin());
        return got;
    };
    // [MQTT-3.3.1-9, MQTT-3.8.4-4]
    EXPECT_THAT(subscribe("a", RetainHandling::send), SizeIs(1));
    EXPECT_THAT(subscribe("a", RetainHandling::send), SizeIs(1));
    // [MQTT-3.3.1-10]
    EXPECT_THAT(subscribe("a", RetainHandling::send_if_new), IsEmpty());
    EXPECT_THAT(subscribe("+", RetainHandling::send_if_new), SizeIs(1));
    EXPECT_THAT(subscribe("+", RetainHandling::send_if_new), IsEmpty());
    // [MQTT-3.3.1-11]
    EXPECT_THAT(subscribe("#", RetainHandling::do_not_send), IsEmpty());
    client.unsubscribe("+");
    client.take();
    EXPECT_THAT(subscribe("+", RetainHandling::send_if_new), SizeIs(1));
}

TEST_F(RetainedDelivery, ReplacingASubscriptionLosesNoMessage) {
    // [MQTT-3.8.4-4]
    auto& client = world.connect("c");
    client.subscribe("a", 1);
    world.auto_plan = false;
    client.subscribe("a", 2);
    publisher.publish("a", "meanwhile", 1, 1);
    world.plan({});
    EXPECT_THAT(client.payloads(), ElementsAre("meanwhile"));
}

TEST_F(RetainedDelivery, TheSubscriptionsIdentifierIsSent) {
    retain("a", "x");
    auto& client = world.connect("c");
    client.subscribe("+");
    client.take();
    client.send(subscribe_packet({{.filter = "a"}}, 100, 3));
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_THAT(got[0].identifiers, ElementsAre(3U));
    EXPECT_TRUE(got[0].retain);
}

TEST_F(RetainedDelivery, TheyExpire) {
    auto packet = publish_packet("a", "x");
    packet.retain = true;
    packet.properties.message_expiry_interval = 100;
    publisher.send(packet);
    retain("b", "stays");
    world.advance(40s);
    auto& client = world.connect("c");
    client.subscribe("#");
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(2));
    EXPECT_EQ(got[0].expiry, 60U);
    EXPECT_FALSE(got[1].expiry);
    world.advance(60s);
    EXPECT_THAT(found("#"), ElementsAre("PUBLISH(b,stays,q0,retain)"));
    world.advance(20s);
    EXPECT_EQ(world.stats().retained, 1U);
    EXPECT_NE(world.broker.next_deadline(), std::nullopt);
}

TEST_F(RetainedDelivery, TheirNumberIsLimited) {
    Limits limits;
    limits.max_retained = 1;
    world.broker.set_limits(limits);
    retain("a", "1");
    retain("b", "2");
    retain("a", "3");
    EXPECT_THAT(found("#"), ElementsAre("PUBLISH(a,3,q0,retain)"));
}

TEST_F(RetainedDelivery, AMessageThatIsRoutedLateDoesNotReplaceANewerOne) {
    world.auto_route = false;
    retain("a", "1");
    retain("a", "2");
    retain("b", "");
    retain("b", "3");
    for (auto i : {1U, 0U, 3U, 2U}) world.broker.route(world.published[i], world.now);
    EXPECT_THAT(found("#"), ElementsAre("PUBLISH(a,2,q0,retain)", "PUBLISH(b,3,q0,retain)"));
}

TEST_F(RetainedDelivery, AFullQueueHoldsThemBackAsAnyOther) {
    retain("a", "1", 1);
    retain("b", "2", 1);
    auto packet = connect_packet("c");
    packet.receive_maximum = 1;
    auto& client = world.connect(packet);
    client.subscribe("#", 1);
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "PUBLISH(a,1,q1,retain)"));
    client.puback(1);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(b,2,q1,retain)"));
}

TEST_F(RetainedDelivery, TheyCanBeListedAndDeleted) {
    retain("a/1", "x");
    retain("a/2", "y");
    retain("b", "z");
    std::vector<std::string> topics;
    world.broker.each_retained("a/+", [&](const Message& message) {
        topics.push_back(message.topic.str());
        return true;
    });
    EXPECT_THAT(topics, ElementsAre("a/1", "a/2"));
    EXPECT_TRUE(world.broker.delete_retained(TopicName{"a/1"}));
    EXPECT_FALSE(world.broker.delete_retained(TopicName{"a/1"}));
    EXPECT_THAT(found("a/+"), ElementsAre("PUBLISH(a/2,y,q0,retain)"));
}

}  // namespace
}  // namespace keepmq::broker::testing
