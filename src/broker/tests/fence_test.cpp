#include "broker/fence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace keepmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Fence::State;
using Hold = Fence::Hold;
using Numbers = std::vector<std::uint64_t>;

constexpr std::size_t roomy = 100;
std::vector<MessagePtr> given_up;  ///< by all fences, until asked for

MessagePtr message(std::uint64_t number, bool stored = true, std::string topic = "t") {
    auto made = std::make_shared<Message>();
    made->id = MessageId{number, 0};
    made->topic = TopicName{std::move(topic)};
    made->stored = stored;
    return made;
}
std::vector<MessagePtr> messages(const Numbers& numbers) {
    std::vector<MessagePtr> made;
    for (const auto number : numbers) made.push_back(message(number));
    return made;
}
Numbers numbers(const std::vector<MessagePtr>& some) {
    Numbers found;
    for (const auto& one : some) found.push_back(one->id.high());
    return found;
}
/// Numbers given up since the last call.
Numbers take_given_up() {
    return numbers(std::exchange(given_up, {}));
}
bool skip_none(const Message&) {
    return false;
}

ReplayPlan fetching(std::optional<std::uint64_t> most = {}) {
    ReplayPlan plan;
    plan.fetch = ReplayPlan::FetchSpec{ReplayPlan::Mode::after_cursor, most};
    return plan;
}

Fence fence(const ReplayPlan& plan, std::string filter = "t") {
    Fence made{FenceId{1}, TopicFilter{std::move(filter)}};
    made.plan(plan);
    return made;
}

TEST(Fence, CoversWhatItsFilterMatches) {
    EXPECT_TRUE(fence({}, "a/+").covers("a/b"));
    EXPECT_FALSE(fence({}, "a/+").covers("a"));
    EXPECT_TRUE(fence({}, "a").covers("a"));
    EXPECT_FALSE(fence({}, "a").covers("b"));
    EXPECT_FALSE(fence({}, "#").covers("$SYS/x"));
}

TEST(Fence, OpeningIsOverWhenAllAwaitedCame) {
    ReplayPlan plan = fetching();
    plan.awaited_writes = 2;
    plan.awaited_retained = 1;
    Fence tested{FenceId{7}, TopicFilter{"t"}};
    EXPECT_FALSE(tested.plan(plan));
    EXPECT_FALSE(tested.write_done());
    EXPECT_FALSE(tested.retained_done({}));
    EXPECT_EQ(tested.state(), State::opening);
    EXPECT_FALSE(tested.wants_page());
    EXPECT_TRUE(tested.write_done());
    EXPECT_EQ(tested.state(), State::fetching);
    EXPECT_TRUE(tested.wants_page());
    EXPECT_FALSE(tested.write_done());
    EXPECT_FALSE(tested.retained_done({}));
}

TEST(Fence, WithNothingToAwaitThePlanEndsTheOpening) {
    Fence tested{FenceId{7}, TopicFilter{"t"}};
    EXPECT_TRUE(tested.plan({}));
    EXPECT_FALSE(tested.wants_page());
    EXPECT_THAT(tested.release(), IsEmpty());
    EXPECT_EQ(tested.state(), State::done);
}

TEST(Fence, OneRetainedMessageForEachTopicAndTheNewerIdWins) {
    ReplayPlan plan;
    plan.awaited_retained = 2;
    auto tested = fence(plan, "+");
    EXPECT_FALSE(tested.retained_done({message(3, true, "b"), message(1, true, "a")}));
    EXPECT_TRUE(tested.retained_done({message(2, true, "a"), message(1, true, "b")}));
    auto found = tested.take_retained();
    keep_newest(found);
    EXPECT_THAT(numbers(found), ElementsAre(2, 3));
    EXPECT_THAT(tested.take_retained(), IsEmpty());
}

TEST(Fence, StoredOnesFirstThenTheLiveOnesThatWereNotAmongThem) {
    auto tested = fence(fetching());
    EXPECT_EQ(tested.hold(message(4), roomy, given_up), Hold::held);
    auto request = tested.request_page(2);
    EXPECT_FALSE(request.after);
    EXPECT_EQ(request.limit, 2U);
    EXPECT_FALSE(tested.wants_page());
    EXPECT_EQ(tested.hold(message(5), roomy, given_up), Hold::held);

    auto first = tested.page(messages({1, 2}), "two", skip_none);
    EXPECT_THAT(numbers(first.deliver), ElementsAre(1, 2));
    EXPECT_FALSE(first.finished);
    EXPECT_TRUE(tested.wants_page());

    EXPECT_EQ(tested.request_page(2).after, "two");
    auto second = tested.page(messages({3, 4}), std::nullopt, skip_none);
    EXPECT_THAT(numbers(second.deliver), ElementsAre(3, 4));
    EXPECT_TRUE(second.finished);
    EXPECT_FALSE(second.truncated);
    EXPECT_FALSE(tested.wants_page());

    EXPECT_THAT(numbers(tested.release()), ElementsAre(5));
    EXPECT_EQ(tested.state(), State::done);
}

TEST(Fence, AHeldMessageThatTheStoreDoesNotBringKeepsItsPlaceInTheTopic) {
    auto tested = fence(fetching(), "+");
    EXPECT_EQ(tested.hold(message(3, true, "a"), roomy, given_up),
              Hold::held);  // before the initial position
    EXPECT_EQ(tested.hold(message(4, true, "b"), roomy, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(5, false, "a"), roomy, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(6, true, "a"), roomy, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(7, true, "a"), roomy, given_up), Hold::held);
    (void)tested.request_page(10);
    const auto result =
        tested.page({message(1, true, "a"), message(6, true, "a")}, std::nullopt, skip_none);
    EXPECT_THAT(numbers(result.deliver), ElementsAre(1, 3, 6));
    EXPECT_THAT(numbers(result.in_order), ElementsAre(1, 3, 6));
    EXPECT_THAT(numbers(tested.release()), ElementsAre(4, 5, 7));
}

TEST(Fence, WhatAPublisherSentAgainIsDeliveredOnceAndInItsPlace) {
    auto tested = fence(fetching());
    for (const auto number : {4U, 6U, 2U})  // 4 and 2 have rows of an earlier run
        EXPECT_EQ(tested.hold(message(number), roomy, given_up), Hold::held);
    (void)tested.request_page(3);
    const auto first = tested.page(messages({1, 2, 3}), "more", skip_none);
    EXPECT_THAT(numbers(first.deliver), ElementsAre(1, 2, 3));
    (void)tested.request_page(3);
    const auto second = tested.page(messages({4, 6}), std::nullopt, skip_none);
    EXPECT_THAT(numbers(second.deliver), ElementsAre(4, 6));
    EXPECT_THAT(tested.release(), IsEmpty());
}

TEST(Fence, OfAHeldMessageTheLiveCopyIsDelivered) {
    auto some = fence(fetching());
    const auto live = message(2);
    ASSERT_EQ(some.hold(live, roomy, given_up), Hold::held);
    (void)some.request_page(10);
    const auto result = some.page(messages({1, 2}), std::nullopt, skip_none);
    ASSERT_EQ(numbers(result.deliver), (Numbers{1, 2}));
    EXPECT_EQ(result.deliver[1], live) << "a table may have no place for its properties";
    EXPECT_EQ(result.in_order[1], live);
}

TEST(Fence, LeavesOutWhatTheSessionHas) {
    auto tested = fence(fetching());
    (void)tested.request_page(10);
    const std::set<std::uint64_t> queued{1, 3};
    const auto result = tested.page(messages({1, 2, 3}), std::nullopt, [&](const Message& m) {
        return queued.contains(m.id.high());
    });
    EXPECT_THAT(numbers(result.deliver), ElementsAre(2));
    EXPECT_THAT(numbers(result.in_order), ElementsAre(1, 2, 3));
}

TEST(Fence, LeavesOutOnlyTheMessageThatWasSentAsRetained) {
    auto tested = fence(fetching());
    EXPECT_EQ(tested.hold(message(2), roomy, given_up), Hold::held);
    tested.sent_as_retained(MessageId{2, 0});
    (void)tested.request_page(10);
    const auto result = tested.page(messages({1, 2, 3}), std::nullopt, skip_none);
    EXPECT_THAT(numbers(result.deliver), ElementsAre(1, 3));
    EXPECT_THAT(numbers(result.in_order), ElementsAre(1, 2, 3));
    EXPECT_THAT(tested.release(), IsEmpty());
}

TEST(Fence, ALiveCopyAfterItsPageIsNotDeliveredAgain) {
    auto tested = fence(fetching());
    (void)tested.request_page(10);
    (void)tested.page(messages({1}), "one", skip_none);
    EXPECT_EQ(tested.hold(message(1), roomy, given_up), Hold::held);
    EXPECT_THAT(tested.release(), IsEmpty());
}

TEST(Fence, AFullBufferGivesUpStoredCopiesAndReadsTheStoreOnceMore) {
    auto tested = fence(fetching());
    (void)tested.request_page(10);
    take_given_up();
    EXPECT_EQ(tested.hold(message(5), 2, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(6, false), 2, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(7), 2, given_up), Hold::left_to_fetch);
    EXPECT_THAT(take_given_up(), ElementsAre(5U, 7U));
    EXPECT_EQ(tested.hold(message(8), 2, given_up), Hold::held);

    auto first = tested.page(messages({1, 2}), std::nullopt, skip_none);
    EXPECT_FALSE(first.finished);
    EXPECT_TRUE(tested.wants_page());
    EXPECT_FALSE(tested.request_page(10).after);

    const std::set<std::uint64_t> known{1, 2};
    auto second = tested.page(messages({1, 2, 5, 7, 8}), std::nullopt, [&](const Message& m) {
        return known.contains(m.id.high());
    });
    EXPECT_THAT(numbers(second.deliver), ElementsAre(5, 7, 8));
    EXPECT_TRUE(second.finished);
    EXPECT_THAT(numbers(tested.release()), ElementsAre(6));
}

TEST(Fence, WhatWasGivenUpBeforeTheFirstPageNeedsNoSecondPass) {
    ReplayPlan plan = fetching();
    plan.awaited_writes = 1;
    auto tested = fence(plan);
    EXPECT_EQ(tested.hold(message(1), 1, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(2), 1, given_up), Hold::left_to_fetch);
    EXPECT_TRUE(tested.write_done());
    (void)tested.request_page(10);
    EXPECT_TRUE(tested.page(messages({1, 2}), std::nullopt, skip_none).finished);
    EXPECT_THAT(tested.release(), IsEmpty());
}

TEST(Fence, AFullBufferOfWhatIsNotStoredIsTheCallersToDrop) {
    auto tested = fence(fetching());
    EXPECT_EQ(tested.hold(message(1, false), 1, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(2, false), 1, given_up), Hold::full);
    EXPECT_EQ(tested.hold(message(3), 1, given_up), Hold::left_to_fetch);
}

TEST(Fence, WithoutAFetchNothingIsLeftToIt) {
    ReplayPlan plan;
    plan.awaited_writes = 1;
    auto tested = fence(plan);
    EXPECT_EQ(tested.hold(message(1), 1, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(2), 1, given_up), Hold::full);
    EXPECT_TRUE(tested.write_done());
    EXPECT_THAT(numbers(tested.release()), ElementsAre(1));
}

TEST(Fence, MaxReturnedCountEndsTheFetchWithAHole) {
    auto tested = fence(fetching(3));
    EXPECT_EQ(tested.request_page(2).limit, 2U);
    EXPECT_FALSE(tested.page(messages({1, 2}), "two", skip_none).finished);
    EXPECT_EQ(tested.request_page(2).limit, 2U);
    const auto result = tested.page(messages({3, 4}), "four", skip_none);
    EXPECT_THAT(numbers(result.deliver), ElementsAre(3));
    EXPECT_THAT(numbers(result.in_order), ElementsAre(3));
    EXPECT_TRUE(result.finished);
    EXPECT_TRUE(result.truncated);
    EXPECT_FALSE(tested.wants_page());
}

TEST(Fence, ReachingMaxReturnedCountExactlyIsNoHole) {
    auto tested = fence(fetching(2));
    EXPECT_EQ(tested.request_page(500).limit, 3U);
    EXPECT_FALSE(tested.page(messages({1, 2}), "two", skip_none).finished);
    EXPECT_EQ(tested.request_page(500).limit, 1U);
    const auto result = tested.page({}, std::nullopt, skip_none);
    EXPECT_TRUE(result.finished);
    EXPECT_FALSE(result.truncated);
}

TEST(Fence, WhatIsLeftOutDoesNotCountAsReturned) {
    auto tested = fence(fetching(1));
    (void)tested.request_page(10);
    const auto result = tested.page(
        messages({1, 2}), std::nullopt, [](const Message& m) { return m.id.high() == 1; });
    EXPECT_THAT(numbers(result.deliver), ElementsAre(2));
    EXPECT_FALSE(result.truncated);
}

TEST(Fence, AfterTheDeadlineLiveOnesGoAheadAndPagesLeaveThemOut) {
    auto tested = fence(fetching());
    EXPECT_EQ(tested.hold(message(4), roomy, given_up), Hold::held);
    (void)tested.request_page(10);
    EXPECT_THAT(numbers(tested.make_late()), ElementsAre(4));
    EXPECT_EQ(tested.state(), State::late);
    EXPECT_THAT(tested.make_late(), IsEmpty());
    tested.delivered_live(MessageId{5, 0});

    const auto result = tested.page(messages({1, 4, 5, 6}), std::nullopt, skip_none);
    EXPECT_THAT(numbers(result.deliver), ElementsAre(1, 6));
    EXPECT_THAT(numbers(result.in_order), ElementsAre(1, 4, 5, 6));
    EXPECT_TRUE(result.finished);
    EXPECT_THAT(tested.release(), IsEmpty());
    EXPECT_EQ(tested.state(), State::done);
}

TEST(Fence, TheDeadlineMayPassWhileOpening) {
    ReplayPlan plan = fetching();
    plan.awaited_writes = 1;
    auto tested = fence(plan);
    EXPECT_EQ(tested.hold(message(2), roomy, given_up), Hold::held);
    EXPECT_THAT(numbers(tested.make_late()), ElementsAre(2));
    EXPECT_FALSE(tested.wants_page());
    EXPECT_TRUE(tested.write_done());
    EXPECT_EQ(tested.state(), State::late);
    EXPECT_TRUE(tested.wants_page());
}

TEST(Fence, GivenUpCopiesAreFetchedAlsoWhenLate) {
    auto tested = fence(fetching());
    (void)tested.request_page(10);
    EXPECT_EQ(tested.hold(message(5), 1, given_up), Hold::held);
    EXPECT_EQ(tested.hold(message(6), 1, given_up), Hold::left_to_fetch);
    EXPECT_THAT(tested.make_late(), IsEmpty());
    EXPECT_FALSE(tested.page({}, std::nullopt, skip_none).finished);
    EXPECT_FALSE(tested.request_page(10).after);
    const auto result = tested.page(messages({5, 6}), std::nullopt, skip_none);
    EXPECT_THAT(numbers(result.deliver), ElementsAre(5, 6));
    EXPECT_TRUE(result.finished);
}

}  // namespace
}  // namespace keepmq::broker
