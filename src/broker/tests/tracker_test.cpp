#include "broker/tracker.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace keepmq::broker {
namespace {

MessageId id(std::uint64_t number) {
    return MessageId{number, 0};
}
const std::optional<MessageId> unmoved;

TEST(Tracker, ThePositionFollowsTheSettledPrefix) {
    Tracker tracker;
    for (std::uint64_t i = 1; i <= 4; ++i) tracker.add(id(i));
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    EXPECT_EQ(tracker.settle(id(4)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(2));
    EXPECT_FALSE(tracker.idle());
    EXPECT_EQ(tracker.settle(id(3)), id(4));
    EXPECT_TRUE(tracker.idle());
    EXPECT_EQ(tracker.size(), 0U);
}

TEST(Tracker, RegistersAnIdOnce) {
    Tracker tracker;
    tracker.add(id(1));
    tracker.add(id(2));
    tracker.add(id(1));
    EXPECT_EQ(tracker.size(), 2U);
    EXPECT_EQ(tracker.settle(id(1)), id(1));
    EXPECT_EQ(tracker.settle(id(1)), unmoved);
}

TEST(Tracker, IgnoresWhatItWasNotTold) {
    Tracker tracker;
    tracker.add(id(2));
    EXPECT_EQ(tracker.settle(id(7)), unmoved);
    EXPECT_FALSE(tracker.knows(id(7)));
}

TEST(Tracker, AnOlderIdThatComesLaterMovesNothingBack) {
    Tracker tracker;
    tracker.add(id(5));
    tracker.add(id(3));
    tracker.add(id(6));
    EXPECT_EQ(tracker.settle(id(3)), unmoved);
    EXPECT_EQ(tracker.settle(id(5)), id(5));
    EXPECT_TRUE(tracker.knows(id(6)));
    EXPECT_EQ(tracker.settle(id(6)), id(6));
    EXPECT_TRUE(tracker.idle());
}

TEST(Tracker, NothingPassesAHole) {
    Tracker tracker;
    tracker.add(id(1));
    tracker.add_hole();
    tracker.add(id(3));
    EXPECT_EQ(tracker.settle(id(3)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(1));
    EXPECT_TRUE(tracker.has_hole());
    EXPECT_FALSE(tracker.idle());
    EXPECT_TRUE(tracker.knows(id(3)));
    EXPECT_TRUE(tracker.is_settled(id(3)));
}

TEST(Tracker, WhatIsForgottenHoldsNothingUp) {
    Tracker tracker;
    for (std::uint64_t i = 1; i <= 3; ++i) tracker.add(id(i));
    tracker.forget(id(2));
    tracker.forget(id(7));
    EXPECT_FALSE(tracker.knows(id(2)));
    EXPECT_EQ(tracker.settle(id(1)), id(1));
    tracker.add_hole();
    tracker.add(id(4));
    tracker.forget(id(4));
    tracker.forget(id(3));
    EXPECT_EQ(tracker.size(), 0U);
    EXPECT_TRUE(tracker.has_hole());
    tracker.add(id(5));
    EXPECT_TRUE(tracker.knows(id(5)));
}

TEST(Tracker, AFetchFillsTheHole) {
    Tracker tracker;
    tracker.add(id(1));
    tracker.add_hole();
    tracker.add(id(3));
    tracker.add(id(5));
    EXPECT_EQ(tracker.settle(id(3)), unmoved);
    tracker.begin_refetch();
    EXPECT_FALSE(tracker.idle());
    for (std::uint64_t i = 1; i <= 3; ++i) tracker.refetched(id(i));
    EXPECT_EQ(tracker.end_refetch(true), unmoved);
    EXPECT_FALSE(tracker.has_hole());
    EXPECT_EQ(tracker.settle(id(1)), id(1));
    EXPECT_EQ(tracker.settle(id(2)), id(3));
    EXPECT_EQ(tracker.settle(id(5)), id(5));
    EXPECT_TRUE(tracker.idle());
}

TEST(Tracker, AHoleMayBeFirst) {
    Tracker tracker;
    tracker.add_hole();
    tracker.add(id(2));
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    tracker.begin_refetch();
    tracker.refetched(id(1));
    tracker.refetched(id(2));
    EXPECT_EQ(tracker.end_refetch(true), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(2));
}

TEST(Tracker, ThePositionMovesOnceTheFetchReachedWhatIsSettled) {
    Tracker tracker;
    tracker.add_hole();
    tracker.add(id(2));
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    tracker.begin_refetch();
    tracker.refetched(id(2));
    EXPECT_EQ(tracker.end_refetch(true), id(2));
    EXPECT_TRUE(tracker.idle());
}

TEST(Tracker, ThePositionWaitsForTheRunningFetch) {
    Tracker tracker;
    tracker.add(id(4));
    tracker.begin_refetch();
    EXPECT_EQ(tracker.settle(id(4)), unmoved);
    tracker.add(id(9));
    EXPECT_EQ(tracker.settle(id(9)), unmoved);
    tracker.refetched(id(3));
    EXPECT_EQ(tracker.settle(id(3)), id(3));
    tracker.refetched(id(4));
    EXPECT_EQ(tracker.end_refetch(true), id(9));
    EXPECT_TRUE(tracker.idle());
}

TEST(Tracker, MessagesOfAnotherBrokerTakeTheirPlaceBetweenKnownOnes) {
    Tracker tracker;
    tracker.add(id(1));
    tracker.add(id(5));
    tracker.begin_refetch();
    tracker.refetched(id(1));
    tracker.refetched(id(3));
    tracker.refetched(id(5));
    EXPECT_EQ(tracker.end_refetch(true), unmoved);
    EXPECT_EQ(tracker.settle(id(5)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(1));
    EXPECT_EQ(tracker.settle(id(3)), id(5));
}

TEST(Tracker, AKnownMessageThatTheFetchPassesOverHoldsThePositionAsBefore) {
    Tracker tracker;
    tracker.add(id(1));
    tracker.add(id(2));
    tracker.begin_refetch();
    tracker.refetched(id(2));
    EXPECT_EQ(tracker.end_refetch(true), unmoved);
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(2));
}

TEST(Tracker, AnUnfinishedFetchLeavesAHole) {
    Tracker tracker;
    tracker.add(id(8));
    tracker.begin_refetch();
    tracker.refetched(id(1));
    tracker.refetched(id(2));
    EXPECT_EQ(tracker.end_refetch(false), unmoved);
    EXPECT_TRUE(tracker.has_hole());
    EXPECT_EQ(tracker.settle(id(8)), unmoved);
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(2));
    EXPECT_TRUE(tracker.is_settled(id(8)));
}

TEST(Tracker, AHoleThatOpensDuringTheFetchRemains) {
    Tracker tracker;
    tracker.begin_refetch();
    tracker.add(id(5));
    tracker.add_hole();
    tracker.add(id(7));
    tracker.refetched(id(1));
    EXPECT_EQ(tracker.end_refetch(true), unmoved);
    EXPECT_TRUE(tracker.has_hole());
    EXPECT_EQ(tracker.settle(id(7)), unmoved);
    EXPECT_EQ(tracker.settle(id(5)), unmoved);
    EXPECT_EQ(tracker.settle(id(1)), id(5));
}

TEST(Tracker, AFetchMayBeginAnew) {
    Tracker tracker;
    tracker.add(id(6));
    tracker.begin_refetch();
    tracker.refetched(id(1));
    tracker.refetched(id(2));
    EXPECT_EQ(tracker.settle(id(2)), unmoved);
    tracker.begin_refetch();
    EXPECT_EQ(tracker.settle(id(1)), unmoved);
    for (std::uint64_t i = 1; i <= 3; ++i) tracker.refetched(id(i));
    EXPECT_EQ(tracker.end_refetch(true), id(2));
    EXPECT_EQ(tracker.settle(id(3)), id(3));
    EXPECT_EQ(tracker.settle(id(6)), id(6));
    EXPECT_TRUE(tracker.idle());
}

TEST(Tracker, MemoryBeyondAHoleIsBounded) {
    Tracker tracker;
    tracker.add_hole();
    for (std::uint64_t i = 1; i <= 200'000; ++i) {
        tracker.add(id(i));
        if (i != 7) {
            EXPECT_EQ(tracker.settle(id(i)), unmoved);
        }
    }
    EXPECT_LE(tracker.size(), 65'537U);
    EXPECT_TRUE(tracker.knows(id(7)));
    EXPECT_FALSE(tracker.is_settled(id(7)));
    EXPECT_TRUE(tracker.is_settled(id(200'000)));
    EXPECT_FALSE(tracker.knows(id(1)));
}

}  // namespace
}  // namespace keepmq::broker
