// The database is slow: live messages are let through, and nothing else is relaxed than order.

#include "broker/tests/pages_fixture.hpp"

namespace keepmq::broker::testing {
namespace {

struct LateFence : Pages {};

TEST_F(LateFence, LetsLiveMessagesThroughAndBringsTheRestLater) {
    subscribe(client, "a");
    const auto held = live("a", "held");
    world.advance(9'999ms);
    EXPECT_THAT(client.payloads(), IsEmpty());
    world.advance(1ms);
    EXPECT_THAT(client.payloads(), ElementsAre("held"));
    EXPECT_EQ(world.stats().fences_late, 1U);
    const auto flowing = live("a", "flowing");
    EXPECT_THAT(client.payloads(), ElementsAre("flowing"));
    client.puback(1);
    client.puback(2);
    EXPECT_THAT(moves(), IsEmpty());
    auto page = numbers("a", 1, 2);
    page.push_back(held);
    page.push_back(flowing);
    world.page(page);
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2"));
    client.puback(3);
    client.puback(4);
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:flowing"));
}

TEST_F(LateFence, ComesOfTheDeadlineOfOnePage) {
    subscribe(client, "a");
    world.advance(9s);
    world.page(numbers("a", 1, 1), "next");
    world.advance(9s);
    EXPECT_EQ(world.stats().fences_late, 0U);
    world.advance(1s);
    EXPECT_EQ(world.stats().fences_late, 1U);
}

TEST_F(LateFence, BetweenTwoPagesKeepsWhatTheFirstOneBroughtBeforeThePosition) {
    subscribe(client, "a");
    world.page(numbers("a", 1, 2), "next");
    world.advance(10s);
    ASSERT_EQ(world.stats().fences_late, 1U);
    world.page({stored_message("a", "3", 3, 0)});
    EXPECT_THAT(client.payloads(), ElementsAre("1", "2", "3"));
    EXPECT_THAT(moves(), IsEmpty());
    client.puback(1);
    client.puback(2);
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:3"));
}

TEST_F(LateFence, IsReplacedByOneThatHoldsBehindThoseThatHeldMeanwhile) {
    subscribe(client, "+");
    world.advance(10s);
    ASSERT_EQ(world.stats().fences_late, 1U);
    subscribe(client, "a");
    const auto first = live("a", "first");
    subscribe(client, "+");
    const auto second = live("a", "second");
    client.unsubscribe("a");
    world.page({first, second});
    EXPECT_THAT(client.payloads(), ElementsAre("first", "second"));
    client.puback(2);
    EXPECT_THAT(moves(), IsEmpty());
    client.puback(1);
    EXPECT_THAT(moves(), ElementsAre("a:second"));
}

TEST_F(LateFence, WhatWentOutAtQos0IsPassedByThePosition) {
    subscribe(client, "a", fetch_plan(), 0);
    const auto held = live("a", "held");
    world.advance(10s);
    EXPECT_THAT(client.payloads(), ElementsAre("held"));
    world.page({stored_message("a", "1", 1), held});
    EXPECT_THAT(client.payloads(), ElementsAre("1"));
    EXPECT_THAT(moves(), ElementsAre("a:1", "a:held"));
}

}  // namespace
}  // namespace keepmq::broker::testing
