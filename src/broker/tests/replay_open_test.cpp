// From SUBSCRIBE to SUBACK: what is awaited, what is taken back, which retained messages are sent.

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

constexpr std::uint64_t newer_than_all = 3'000'000'000'000'000;

struct ReplayOpen : ::testing::Test {
    ReplayOpen() { world.auto_plan = false; }

    void retained_found(std::vector<MessagePtr> messages) {
        world.broker.on_retained_found(
            world.subscribed.back().fence, std::move(messages), world.now);
        world.run();
    }

    World world;
    Client& client = world.connect(connect_packet("c", v5, true, 100));
    Client& publisher = world.connect("p");
};

TEST_F(ReplayOpen, TheEffectDescribesTheSubscription) {
    client.send(subscribe_packet({{.filter = "a/+",
                                   .qos = Qos::exactly_once,
                                   .retain_handling = mqtt::RetainHandling::do_not_send}}));
    ASSERT_THAT(world.subscribed, SizeIs(1));
    const auto& effect = world.subscribed[0];
    EXPECT_EQ(effect.event.who.client, ClientId{"c"});
    EXPECT_EQ(effect.event.filter, TopicFilter{"a/+"});
    EXPECT_EQ(effect.event.qos, Qos::exactly_once);
    EXPECT_FALSE(effect.event.shared);
    EXPECT_FALSE(effect.wants_retained);
    client.subscribe("b");
    EXPECT_TRUE(world.subscribed[1].wants_retained);
    EXPECT_NE(world.subscribed[0].fence, world.subscribed[1].fence);
    EXPECT_EQ(world.stats().fences_open, 2U);
}

TEST_F(ReplayOpen, SubackWaitsUntilThePositionIsDurable) {
    client.subscribe("a", 1);
    EXPECT_THAT(client.take(), IsEmpty());
    world.plan({.awaited_writes = 2});
    world.write_done();
    EXPECT_THAT(client.take(), IsEmpty());
    world.write_done();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)"));
    EXPECT_EQ(world.stats().fences_open, 0U);
}

TEST_F(ReplayOpen, SubackWaitsForAllEntries) {
    client.send(subscribe_packet({{.filter = "a"}, {.filter = "b/#/c"}, {.filter = "c"}}));
    ASSERT_THAT(world.subscribed, SizeIs(2));
    world.broker.on_subscribe_plan(world.subscribed[1].fence, {}, world.now);
    world.broker.on_subscribe_plan(world.subscribed[0].fence, {.awaited_writes = 1}, world.now);
    world.run();
    EXPECT_THAT(client.take(), IsEmpty());
    world.broker.on_subscribe_write(world.subscribed[0].fence, true, world.now);
    world.run();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,00,8f,00)"));
}

TEST_F(ReplayOpen, LiveMessagesWaitForSuback) {
    client.subscribe("a", 1);
    publisher.publish("a", "1", 1, 1);
    publisher.publish("b", "other", 1, 2);
    EXPECT_THAT(client.take(), IsEmpty());
    world.plan({.awaited_writes = 1});
    publisher.publish("a", "2");
    EXPECT_THAT(client.take(), IsEmpty());
    world.write_done();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "PUBLISH(a,1,q1)", "PUBLISH(a,2,q0)"));
}

TEST_F(ReplayOpen, AFailedWriteTakesTheSubscriptionBack) {
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once}, {.filter = "b"}}));
    world.broker.on_subscribe_plan(world.subscribed[0].fence, {.awaited_writes = 1}, world.now);
    world.broker.on_subscribe_plan(world.subscribed[1].fence, {}, world.now);
    world.broker.on_subscribe_write(world.subscribed[0].fence, false, world.now);
    world.run();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,80,00)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("b"));
    publisher.publish("a", "x");
    EXPECT_THAT(client.take(), IsEmpty());
    // It never took effect, so nobody is told of its end.
    EXPECT_THAT(world.events, Not(Contains("session.unsubscribed(c)")));
}

TEST_F(ReplayOpen, AFailedWriteKeepsTheSubscriptionThatWasThereBefore) {
    client.subscribe("a");
    world.plan({});
    client.subscribe("a", 1);
    world.plan({.awaited_writes = 1});
    publisher.publish("a", "held");
    world.write_done(false);
    EXPECT_THAT(client.take(),
                ElementsAre("SUBACK(100,00)", "SUBACK(100,80)", "PUBLISH(a,held,q0)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a"));
}

TEST_F(ReplayOpen, OutcomesForADeadFenceChangeNothing) {
    client.subscribe("a");
    const auto fence = world.subscribed[0].fence;
    world.plan({.awaited_writes = 1});
    world.write_done();
    client.take();
    world.broker.on_subscribe_plan(fence, {.awaited_writes = 1}, world.now);
    world.broker.on_subscribe_write(fence, false, world.now);
    world.broker.on_retained_found(fence, {stored_message("a", "x", 1)}, world.now);
    world.broker.on_fetched(fence, {stored_message("a", "x", 1)}, std::nullopt, world.now);
    world.broker.on_subscribe_write(FenceId{999}, true, world.now);
    world.run();
    EXPECT_THAT(client.take(), IsEmpty());
    EXPECT_THAT(world.filters("c"), ElementsAre("a"));
}

TEST_F(ReplayOpen, UnsubscribingBeforeSubackAnswersBothInOrder) {
    client.subscribe("a", 1);
    world.plan({.awaited_writes = 1});
    client.unsubscribe("a");
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "UNSUBACK(101,00)"));
    world.write_done();
    EXPECT_THAT(client.take(), IsEmpty());
    EXPECT_EQ(world.stats().fences_open, 0U);
}

TEST_F(ReplayOpen, ALostConnectionGetsNoSubackAndTheSessionGoesOn) {
    client.subscribe("a", 1);
    world.plan({.awaited_writes = 1});
    publisher.publish("a", "1", 1, 1);
    client.lose();
    auto& again = world.connect(connect_packet("c", v5, false, 100));
    world.write_done();
    EXPECT_THAT(again.take(), ElementsAre("PUBLISH(a,1,q1)"));
    EXPECT_THAT(world.filters("c"), ElementsAre("a"));
}

TEST_F(ReplayOpen, AnEndedSessionEndsItsFences) {
    client.subscribe("a", 1);
    world.plan({.awaited_writes = 1});
    client.lose();
    world.advance(100s);
    EXPECT_EQ(world.stats().fences_open, 0U);
    world.write_done();
    EXPECT_FALSE(world.session("c"));
}

TEST_F(ReplayOpen, RetainedMessagesOfDatabaseAndBrokerAreMergedAndTheNewerWins) {
    publisher.publish("a/1", "broker", 0, 0, true);
    publisher.publish("a/2", "broker", 0, 0, true);
    publisher.publish("a/3", "broker", 0, 0, true);
    client.subscribe("a/+", 1);
    world.plan({.awaited_retained = 2});
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)"));
    retained_found(
        {stored_message("a/1", "older", 1), stored_message("a/2", "newer", newer_than_all)});
    EXPECT_THAT(client.take(), IsEmpty());
    retained_found({stored_message("a/4", "new topic", 2),
                    stored_message("a/2", "older", 3),
                    stored_message("b", "not asked for", 4)});
    EXPECT_THAT(client.take(),
                ElementsAre("PUBLISH(a/1,broker,q0,retain)",
                            "PUBLISH(a/2,newer,q1,retain)",
                            "PUBLISH(a/3,broker,q0,retain)",
                            "PUBLISH(a/4,new topic,q1,retain)"));
}

TEST_F(ReplayOpen, ALiveMessageReplacesTheRetainedOneThatIsBeingLookedUp) {
    publisher.publish("a", "old", 0, 0, true);
    client.send(subscribe_packet({{.filter = "a", .retain_as_published = true}}));
    world.plan({.awaited_retained = 1});
    publisher.publish("a", "new", 0, 0, true);
    retained_found({stored_message("a", "stored", 1)});
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,00)", "PUBLISH(a,new,q0,retain)"));
}

TEST_F(ReplayOpen, ALateLookupOfRetainedMessagesLetsLiveOnesThrough) {
    Limits limits;
    limits.replay_deadline = 5s;
    world.broker.set_limits(limits);
    client.subscribe("a", 1);
    world.plan({.awaited_retained = 1});
    publisher.publish("a", "live", 1, 1);
    world.advance(4s);
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)"));
    world.advance(1s);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,live,q1)"));
    EXPECT_EQ(world.stats().fences_late, 1U);
    retained_found({stored_message("a", "stored", 1)});
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,stored,q1,retain)"));
    EXPECT_EQ(world.stats().fences_open, 0U);
}

TEST_F(ReplayOpen, ARepeatedSubscribeWaitsForTheWritesOfTheNewOne) {
    client.subscribe("a", 1, 100);
    world.plan({.awaited_writes = 1});
    const auto first = world.subscribed.back().fence;
    client.subscribe("a", 2, 101);
    world.plan({.awaited_writes = 1});
    world.broker.on_subscribe_write(first, true, world.now);
    world.run();
    EXPECT_THAT(client.take(), IsEmpty());
    publisher.publish("a", "x", 2, 1);
    world.write_done();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "SUBACK(101,02)", "PUBLISH(a,x,q2)"));
}

TEST_F(ReplayOpen, ASharedSubscriptionHoldsNothingBack) {
    client.subscribe("$share/g/a", 1);
    world.plan(fetch_plan());
    EXPECT_THAT(world.fetches, IsEmpty());
    publisher.publish("a", "x", 1, 1);
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "PUBLISH(a,x,q1)"));
}

TEST_F(ReplayOpen, ALiveMessageThatNoSessionHasRoomForIsDroppedAndCounted) {
    Limits limits;
    limits.replay_buffer = 2;
    world.broker.set_limits(limits);
    client.subscribe("a", 1);
    world.plan({.awaited_writes = 1});
    for (mqtt::PacketId id = 1; id <= 3; ++id) publisher.publish("a", std::to_string(id), 1, id);
    world.write_done();
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    EXPECT_EQ(world.stats().dropped_queue_full, 1U);
}

}  // namespace
}  // namespace keepmq::broker::testing
