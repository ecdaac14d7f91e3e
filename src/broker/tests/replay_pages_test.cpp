// Stored messages come in pages, then what was held; positions follow the acknowledgements.

#include "broker/tests/pages_fixture.hpp"

namespace keepmq::broker::testing {
namespace {

using Mode = ReplayPlan::Mode;

TEST_F(Pages, StoredMessagesComeInOrderThenLiveOnesThatWereNotAmongThem) {
    subscribe(client, "a");
    ASSERT_THAT(world.fetches, SizeIs(1));
    EXPECT_EQ(world.fetches[0].client, ClientId{"c"});
    EXPECT_EQ(world.fetches[0].filter, TopicFilter{"a"});
    EXPECT_EQ(world.fetches[0].after, std::nullopt);
    EXPECT_EQ(world.fetches[0].limit, 500U);
    const auto both = live("a", "stored meanwhile");
    live("a", "live");
    EXPECT_THAT(client.take(), IsEmpty());
    auto page = numbers("a", 1, 3);
    page.push_back(both);
    world.page(page);
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2", "3", "stored meanwhile", "live"));
    EXPECT_EQ(world.stats().replayed, 4U);
    EXPECT_EQ(world.stats().fences_open, 0U);
    EXPECT_THAT(world.ended, ElementsAre(world.fetches[0].fence));
    live("a", "later");
    EXPECT_THAT(client.payloads(), ElementsAre("later"));
}

TEST_F(Pages, TheNextPageBeginsWhereTheLastEnded) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 2), "cursor");
    ASSERT_THAT(world.fetches, SizeIs(2));
    EXPECT_EQ(world.fetches[1].after, "cursor");
    live("a", "live");
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    world.page(numbers("a", 3, 3));
    EXPECT_THAT(client.payloads(), ElementsAre("3", "live"));
}

TEST_F(Pages, AnEmptyStoreLetsLiveMessagesThroughAtOnce) {
    subscribe(client, "a");
    live("a", "live");
    world.page({});
    EXPECT_THAT(client.payloads(), ElementsAre("live"));
}

TEST_F(Pages, MessagesOfOtherTopicsAreLeftOut) {
    subscribe(client, "a/+");
    world.page({stored_message("a/1", "1", 1),
                stored_message("a/1/b", "2", 2),
                stored_message("b", "3", 3)});
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
}

/// [MQTT-3.3.2-2] Rows that somebody else wrote.
TEST_F(Pages, TopicsThatNoPublishMayHaveAreLeftOut) {
    subscribe(client, "#");
    world.page({stored_message("a", "1", 1),
                stored_message("a/+", "2", 2),
                stored_message("", "3", 3),
                stored_message("a\xff", "4", 4),
                stored_message("b", "5", 5)});
    EXPECT_THAT(client.payloads(), ElementsAre("1", "5"));
}

TEST_F(Pages, TheFetchIsPacedByTheReader) {
    Limits limits;
    limits.replay_page = 4;
    world.broker.set_limits(limits);
    auto packet = connect_packet("slow", v5, true, 1'000);
    packet.receive_maximum = 1;
    auto& slow = world.connect(packet);
    subscribe(slow, "a");
    EXPECT_EQ(world.fetches.back().limit, 4U);
    world.page(numbers("a", 1, 4), "next");
    EXPECT_THAT(world.fetches, SizeIs(1));
    slow.puback(1);
    EXPECT_THAT(world.fetches, SizeIs(1));
    slow.puback(2);
    EXPECT_THAT(world.fetches, SizeIs(2));
}

TEST_F(Pages, AnAbsentClientFetchesNothingUntilItIsBack) {
    subscribe(client, "a");
    client.lose();
    world.page(numbers("a", 1, 1), "next");
    EXPECT_THAT(world.fetches, SizeIs(1));
    auto& again = world.connect(connect_packet("c", v5, false, 1'000));
    ASSERT_THAT(world.fetches, SizeIs(2));
    EXPECT_EQ(world.fetches[1].after, "next");
    world.page(numbers("a", 2, 2));
    EXPECT_THAT(again.payloads(), ElementsAre("1", "2"));
}

TEST_F(Pages, WhatWasSentAsTheRetainedMessageIsNotSentAgain) {
    auto retained = stored_message("a", "2", 2);
    retained->retain = true;
    client.subscribe("a", 1);
    auto plan = fetch_plan();
    plan.awaited_retained = 1;
    world.plan(plan);
    world.broker.on_retained_found(world.subscribed.back().fence, {retained}, world.now);
    world.run();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)", "PUBLISH(a,2,q1,retain)"));
    world.page(numbers("a", 1, 3));
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(a,1,q1)", "PUBLISH(a,3,q1)"));
}

TEST_F(Pages, WhatAnotherSubscriptionSentAsTheRetainedMessageIsNotFetchedWhileInFlight) {
    publisher.publish("a", "kept", 1, 1, true);
    subscribe(client, "+", {});
    client.send(subscribe_packet({{.filter = "a",
                                   .qos = Qos::at_least_once,
                                   .retain_handling = mqtt::RetainHandling::do_not_send}}));
    world.plan(fetch_plan());
    world.page({stored_message("a", "1", 1), world.published.back()});
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
    client.puback(2);
    EXPECT_THAT(moves(), ElementsAre("a:1"));
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:kept"));
}

TEST_F(Pages, MaxReturnedCountEndsTheFetch) {
    subscribe(client, "a", fetch_plan(Mode::after_cursor, 2));
    EXPECT_EQ(world.fetches[0].limit, 3U);
    world.page(numbers("a", 1, 3), "next");
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    EXPECT_THAT(world.fetches, SizeIs(1));
    EXPECT_EQ(world.stats().fences_open, 0U);
    // What is beyond the count is a hole: the position does not pass it.
    live("a", "live");
    EXPECT_THAT(client.payloads(), ElementsAre("live"));
    client.puback(3);
    client.puback(2);
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:2"));
}

TEST_F(Pages, MaxReturnedCountIsNotUsedUpByMessagesOfItsOwn) {
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once, .no_local = true}}));
    world.plan(fetch_plan(Mode::queue, 1));
    auto page = numbers("a", 1, 2);
    auto own = stored_message("a", "own", 0);
    own->sender = ClientId{"c"};
    page.insert(page.begin(), own);
    world.page(page);
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
}

TEST_F(Pages, MaxReturnedCountIsNotUsedUpByWhatHasExpired) {
    subscribe(client, "a", fetch_plan(Mode::after_cursor, 1));
    auto expired = stored_message("a", "expired", 1);
    auto properties = std::make_unique<MessageProperties>();
    properties->message_expiry_interval = 1;
    expired->properties = std::move(properties);
    world.page({expired, stored_message("a", "2", 2)});
    EXPECT_THAT(client.payloads(), ElementsAre("2"));
    EXPECT_EQ(world.stats().dropped_expired, 1U);
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:2"));
}

TEST_F(Pages, OverlappingSubscriptionsDeliverOnce) {
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once}}, 100, 1));
    world.plan(fetch_plan());
    client.send(subscribe_packet({{.filter = "+", .qos = Qos::exactly_once}}, 101, 2));
    world.plan(fetch_plan());
    client.take();
    ASSERT_THAT(world.fetches, SizeIs(1));  // the wildcard waits for the topic
    world.page(numbers("a", 1, 2));
    ASSERT_THAT(world.fetches, SizeIs(2));
    auto page = numbers("a", 1, 2);
    page.push_back(stored_message("b", "3", 3));
    world.page(page);
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(3));
    EXPECT_THAT(got[0].identifiers, ElementsAre(1U, 2U));
    EXPECT_EQ(got[2].payload, "3");
    EXPECT_THAT(got[2].identifiers, ElementsAre(2U));
}

TEST_F(Pages, UnsubscribingDropsTheRestAndStalePages) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 1), "next");
    live("a", "held");
    client.take();
    client.unsubscribe("a");
    world.page(numbers("a", 2, 2));
    EXPECT_THAT(client.take(), ElementsAre("UNSUBACK(101,00)"));
    EXPECT_THAT(world.ended, SizeIs(1));
    client.puback(1);
    EXPECT_THAT(moves(), IsEmpty());
}

TEST_F(Pages, SubscribingAgainStartsANewFetchAndRepeatsNothing) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 2), "next");
    const auto stale = world.fetches.back().fence;
    live("a", "held");
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    subscribe(client, "a");
    EXPECT_NE(world.fetches.back().fence, stale);
    EXPECT_EQ(world.fetches.back().after, std::nullopt);
    world.broker.on_fetched(stale, numbers("a", 3, 4), std::nullopt, world.now);
    world.page(numbers("a", 1, 3));
    EXPECT_THAT(client.payloads(), ElementsAre("3", "held"));
}

TEST_F(Pages, OneToOneRowsAreInTheHandsOfOneSession) {
    auto& other = world.connect(connect_packet("other", v5, true, 10));
    subscribe(client, "a", fetch_plan(Mode::queue));
    world.page(numbers("a", 1, 2));
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    subscribe(other, "a", fetch_plan(Mode::queue));
    world.page(numbers("a", 1, 3));
    EXPECT_THAT(other.payloads(), ElementsAre("3"));
    // Given back by the end of the session.
    other.lose();
    world.advance(10s);
    client.unsubscribe("a");
    client.take();
    subscribe(client, "a", fetch_plan(Mode::queue));
    world.page(numbers("a", 3, 3));
    EXPECT_THAT(client.payloads(), ElementsAre("3"));
}

struct Positions : Pages {};

TEST_F(Positions, MoveOverTheAcknowledgedPrefixOnly) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 3));
    client.puback(2);
    EXPECT_THAT(moves(), IsEmpty());
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:2"));
    client.puback(3);
    EXPECT_THAT(moves(), ElementsAre("a:3"));
}

TEST_F(Positions, LiveMessagesAreCountedInTheirOrder) {
    subscribe(client, "a");
    world.page({});
    live("a", "x");
    live("a", "y");
    client.puback(2);
    EXPECT_THAT(moves(), IsEmpty());
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:y"));
}

TEST_F(Positions, AreKeptForEachTopic) {
    subscribe(client, "+");
    world.page(
        {stored_message("a", "1", 1), stored_message("b", "2", 2), stored_message("a", "3", 3)});
    client.puback(2);
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("b:2", "a:1"));
}

TEST_F(Positions, Qos2CountsWithPubrec) {
    subscribe(client, "a", fetch_plan(), 2);
    world.page({stored_message("a", "1", 1, 2)});
    client.pubrec(1);
    EXPECT_THAT(moves(), ElementsAre("a:1"));
    client.pubcomp(1);
    EXPECT_THAT(moves(), IsEmpty());
}

TEST_F(Positions, WhatIsDeliberatelyNotDeliveredCountsAsSettled) {
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once, .no_local = true}}));
    world.plan(fetch_plan());
    auto own = stored_message("a", "own", 1);
    own->sender = ClientId{"c"};
    auto expired = stored_message("a", "expired", 2);
    auto properties = std::make_unique<MessageProperties>();
    properties->message_expiry_interval = 1;
    expired->properties = std::move(properties);
    world.page({own, expired, stored_message("a", "3", 3)});
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:2"));
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:3"));
    client.publish("a", "own again", 1, 1);
    EXPECT_THAT(moves(), ElementsAre("a:own again"));
    EXPECT_THAT(client.payloads(), ElementsAre("3"));
}

TEST_F(Positions, TooLargeForTheClientCountsAsSettled) {
    auto packet = connect_packet("small", v5, true, 100);
    packet.maximum_packet_size = 30;
    auto& small = world.connect(packet);
    subscribe(small, "a");
    world.page({stored_message("a", std::string(50, 'x'), 1), stored_message("a", "2", 2)});
    EXPECT_THAT(moves(), ElementsAre("a:1"));
    EXPECT_THAT(small.payloads(), ElementsAre("2"));
}

TEST_F(Positions, ADroppedMessageIsAHole) {
    Limits limits;
    limits.max_queue_length = 1;
    limits.max_inflight = 1;
    world.broker.set_limits(limits);
    subscribe(client, "a");
    world.page({});
    live("a", "1");
    live("a", "2");
    const auto dropped = live("a", "3");
    EXPECT_EQ(world.stats().dropped_queue_full, 1U);
    client.puback(1);
    client.puback(2);
    const auto beyond = live("a", "4");
    client.puback(3);
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:2"));
    client.take();
    // The fetch of the next subscribe brings it and leaves out what was acknowledged beyond.
    subscribe(client, "a");
    world.page({dropped, beyond});
    EXPECT_THAT(client.payloads(), ElementsAre("3"));
    client.puback(4);
    EXPECT_THAT(moves(), ElementsAre("a:4"));
}

TEST_F(Positions, StayWhenARepeatedSubscribeIsRefusedBeforeTheFirstFetchBegan) {
    auto plan = fetch_plan();
    plan.awaited_writes = 1;
    client.send(subscribe_packet({{.filter = "a", .qos = Qos::at_least_once}, {.filter = "b"}}));
    const auto first = world.subscribed[0].fence;
    world.broker.on_subscribe_plan(first, plan, world.now);
    world.broker.on_subscribe_write(first, true, world.now);  // SUBACK still waits for b
    client.subscribe("a", 1);
    world.plan(plan);
    world.write_done(false);
    const auto beyond = live("a", "beyond");
    EXPECT_THAT(client.payloads(), ElementsAre("beyond"));
    client.puback(1);
    EXPECT_THAT(moves(), IsEmpty());
    subscribe(client, "a");
    world.page({stored_message("a", "1", 1), beyond});
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
    client.puback(2);
    EXPECT_THAT(moves(), ElementsAre("a:beyond"));
}

TEST_F(Positions, AQos0SubscriptionHasNone) {
    client.subscribe("a", 0);
    world.plan({});
    live("a", "x");
    EXPECT_THAT(moves(), IsEmpty());
}

TEST_F(Positions, SurviveTheConnection) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 2));
    client.puback(1);
    client.lose();
    live("a", "live");
    auto& again = world.connect(connect_packet("c", v5, false, 1'000));
    EXPECT_THAT(again.payloads(), ElementsAre("2", "live"));
    again.puback(3);
    EXPECT_THAT(moves(), ElementsAre("a:1"));
    again.puback(2);
    EXPECT_THAT(moves(), ElementsAre("a:live"));
}

}  // namespace
}  // namespace keepmq::broker::testing
