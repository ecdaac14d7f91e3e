// Subscriptions without a packet of the client, and what the admin interface sees.

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

struct ProvisionedTest : ::testing::Test {
    void subscribe(std::vector<Provisioned> wanted, std::string_view client = "c") {
        world.broker.subscribe_on_behalf(ClientId{client}, wanted, world.now);
        world.run();
    }
    void unsubscribe(std::vector<TopicFilter> filters, std::string_view client = "c") {
        world.broker.unsubscribe_on_behalf(ClientId{client}, filters, world.now);
        world.run();
    }

    World world;
};

TEST_F(ProvisionedTest, ActsLikeASubscriptionOfTheClientWithoutAnAnswer) {
    auto& publisher = world.connect("p");
    publisher.publish("a", "kept", 1, 1, true);
    auto& client = world.connect("c");
    subscribe({{TopicFilter{"a"}, Qos::at_least_once}, {TopicFilter{"b/+"}, Qos::at_most_once}});
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,kept,q1,retain)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a", "b/+"));
    EXPECT_THAT(world.events, Contains("session.subscribed(a)"));
    publisher.publish("b/1", "x", 1, 2);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(b/1,x,q0)"));
    unsubscribe({TopicFilter{"a"}, TopicFilter{"unknown"}});
    EXPECT_THAT(world.filters("c"), ElementsAre("b/+"));
    EXPECT_THAT(world.events, Contains("session.unsubscribed(c)"));
    EXPECT_THAT(client.take(), IsEmpty());
}

TEST_F(ProvisionedTest, MayBeShared) {
    auto& client = world.connect("c");
    subscribe({{TopicFilter{"$share/g/a"}, Qos::at_least_once}});
    world.connect("p").publish("a", "x");
    EXPECT_THAT(client.payloads(), ElementsAre("x"));
    unsubscribe({TopicFilter{"$share/g/a"}});
    EXPECT_EQ(world.stats().subscriptions, 0U);
}

TEST_F(ProvisionedTest, WhatLimitsOrRulesForbidIsLeftOut) {
    Limits limits;
    limits.max_qos = Qos::at_least_once;
    limits.max_subscriptions = 2;
    world.broker.set_limits(limits);
    world.connect("c");
    subscribe({{TopicFilter{"a/#/b"}, Qos::at_most_once},
               {TopicFilter{""}, Qos::at_most_once},
               {TopicFilter{"a"}, Qos::exactly_once},
               {TopicFilter{"b"}, static_cast<Qos>(3)},
               {TopicFilter{"c"}, Qos::at_most_once},
               {TopicFilter{"d"}, Qos::at_most_once}});
    EXPECT_THAT(world.filters("c"), ElementsAre("a", "c"));
    world.broker.each_subscription(nullptr, [](const SubscriptionSnapshot& one) {
        EXPECT_LE(one.qos, Qos::at_least_once);
        return true;
    });
}

TEST_F(ProvisionedTest, OneThatIsThereIsReplaced) {
    auto& client = world.connect("c");
    client.subscribe("a", 0);
    subscribe({{TopicFilter{"a"}, Qos::exactly_once}});
    EXPECT_EQ(world.stats().subscriptions, 1U);
    client.take();
    world.connect("p").publish("a", "x", 1, 1);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,x,q1)"));
}

TEST_F(ProvisionedTest, AnUnknownClientIsIgnored) {
    subscribe({{TopicFilter{"a"}, Qos::at_most_once}}, "nobody");
    unsubscribe({TopicFilter{"a"}}, "nobody");
    EXPECT_EQ(world.stats().subscriptions, 0U);
}

TEST_F(ProvisionedTest, AnAbsentSessionIsServedLater) {
    world.connect(connect_packet("c", v5, true, 100)).lose();
    subscribe({{TopicFilter{"a"}, Qos::at_least_once}});
    world.connect("p").publish("a", "x", 1, 1);
    EXPECT_THAT(world.connect(connect_packet("c", v5, false, 100)).payloads(), ElementsAre("x"));
}

TEST_F(ProvisionedTest, AFailedWriteTakesItBack) {
    world.auto_plan = false;
    world.connect("c");
    subscribe({{TopicFilter{"a"}, Qos::at_least_once}});
    world.plan({.awaited_writes = 1});
    EXPECT_THAT(world.filters("c"), ElementsAre("a"));
    world.write_done(false);
    EXPECT_THAT(world.filters("c"), IsEmpty());
}

TEST(Snapshot, TellsTheStateOfASession) {
    World world;
    auto packet = connect_packet("c", v5, true, 100);
    packet.username = "ann";
    packet.keep_alive = 60;
    packet.receive_maximum = 1;
    const auto start = world.now.wall;
    auto& client = world.connect(packet);
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once}, {.filter = "b"}}));
    client.publish("x", "1", 2, 1);
    auto& publisher = world.connect("p");
    publisher.publish("a", "1", 1, 1);
    publisher.publish("a", "2", 1, 2);
    auto seen = world.session("c");
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->username, "ann");
    EXPECT_EQ(seen->peerhost, "192.0.2.1");
    EXPECT_EQ(seen->port, 4711);
    EXPECT_TRUE(seen->connected);
    EXPECT_EQ(seen->protocol_level, 5);
    EXPECT_TRUE(seen->clean_start);
    EXPECT_EQ(seen->keep_alive, 60);
    EXPECT_EQ(seen->expiry_interval, 100U);
    EXPECT_EQ(seen->created_at, start);
    EXPECT_EQ(seen->connected_at, start);
    EXPECT_EQ(seen->subscriptions, 2U);
    EXPECT_EQ(seen->inflight, 1U);
    EXPECT_EQ(seen->queued, 1U);
    EXPECT_EQ(seen->awaiting_rel, 1U);
    EXPECT_EQ(seen->messages_received, 1U);
    EXPECT_EQ(seen->messages_sent, 1U);
    world.advance(5s);
    client.lose();
    seen = world.session("c");
    EXPECT_FALSE(seen->connected);
    EXPECT_EQ(seen->disconnected_at, start + 5s);
    EXPECT_EQ(seen->created_at, start);
}

TEST(Snapshot, TellsSubscriptionsWithTheirOptions) {
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "a",
                                   .qos = Qos::exactly_once,
                                   .no_local = true,
                                   .retain_as_published = true,
                                   .retain_handling = mqtt::RetainHandling::do_not_send}}));
    world.connect("d").subscribe("b");
    const ClientId id{"c"};
    std::vector<SubscriptionSnapshot> of_c;
    world.broker.each_subscription(&id, [&](const SubscriptionSnapshot& one) {
        of_c.push_back(one);
        return true;
    });
    ASSERT_THAT(of_c, SizeIs(1));
    EXPECT_EQ(of_c[0].client, id);
    EXPECT_EQ(of_c[0].filter, "a");
    EXPECT_EQ(of_c[0].qos, Qos::exactly_once);
    EXPECT_TRUE(of_c[0].no_local);
    EXPECT_TRUE(of_c[0].retain_as_published);
    EXPECT_EQ(of_c[0].retain_handling, 2);
    int visits = 0;
    world.broker.each_subscription(nullptr,
                                   [&](const SubscriptionSnapshot&) { return ++visits < 10; });
    EXPECT_EQ(visits, 2);
}

TEST(Snapshot, AVisitorMayStop) {
    World world;
    for (const auto* name : {"a", "b", "c"}) world.connect(name);
    int visits = 0;
    world.broker.each_session([&](const SessionSnapshot&) { return ++visits < 2; });
    EXPECT_EQ(visits, 2);
}

TEST(Snapshot, CountersTellWhatPassed) {
    World world;
    auto& a = world.connect("a");
    a.subscribe("t", 1);
    auto& b = world.connect("b");
    b.publish("t", "1", 1, 1);
    b.publish("t", "2");
    b.publish("nobody", "3");
    const auto& stats = world.stats();
    EXPECT_EQ(stats.connections, 2U);
    EXPECT_EQ(stats.sessions, 2U);
    EXPECT_EQ(stats.messages_received, 3U);
    EXPECT_EQ(stats.messages_sent, 2U);
    EXPECT_EQ(stats.packets_received, 6U);
    EXPECT_EQ(stats.packets_sent, 6U);  // 2 CONNACK, SUBACK, PUBACK, 2 PUBLISH
    EXPECT_EQ(stats.inflight, 1U);
    EXPECT_EQ(stats.dropped_no_subscriber, 1U);
    a.lose();
    EXPECT_EQ(stats.connections, 1U);
    EXPECT_EQ(stats.inflight, 0U);
    EXPECT_EQ(stats.subscriptions, 0U);
}

TEST(Events, OnlyThoseSomebodyListensToAreRaised) {
    World world;
    const std::array hooks{Hook::client_connected};
    world.broker.listen(hooks);
    auto& client = world.connect("c");
    client.subscribe("a", 1);
    client.publish("a", "x", 1, 1);
    client.lose();
    EXPECT_THAT(world.events, ElementsAre("client.connected(c)", "session.subscribed(a)"));
}

}  // namespace
}  // namespace keepmq::broker::testing
