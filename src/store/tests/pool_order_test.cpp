// Operations and queries that wait for others.

#include <gmock/gmock.h>

#include "store/pool.hpp"
#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::string> committed_order(const MemoryDatabase& database) {
    std::vector<std::string> order;
    for (const auto& write : database.writes())
        for (const std::string& payload : payloads_of(write)) order.push_back(payload);
    return order;
}

TEST_F(PoolTest, AQuerySeesTheWritesOfItsKeyBeforeIt) {
    start(2);
    database->hold_writes();
    submit(1, 0);
    ASSERT_TRUE(database->await_held_writes(1));
    submit(2, 0);
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    submit(3, 0);
    // The other key's lane is idle, so this one is answered now.
    pool->query(fetch_query(), {1}, nullptr, reads, 2);
    ASSERT_TRUE(reads.await(1));
    EXPECT_THAT(tokens_of(reads.all()), ElementsAre(2U));
    EXPECT_THAT(page_of(reads.all()[0]), IsEmpty());
    database->release_writes();
    ASSERT_TRUE(reads.await(2));
    const auto seen = page_of(reads.all()[1]);
    ASSERT_GE(seen.size(), 2U);
    EXPECT_EQ(seen[0], "1");
    EXPECT_EQ(seen[1], "2");
}

TEST_F(PoolTest, AQueryAfterAllSeesTheWritesOfEveryLane) {
    start(3);
    database->hold_writes();
    for (std::uint64_t i = 1; i <= 9; ++i) submit(i, i % 3);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 1);
    ASSERT_TRUE(database->await_held_writes(3));
    EXPECT_THAT(reads.all(), IsEmpty());
    database->release_writes();
    ASSERT_TRUE(reads.await(1));
    EXPECT_THAT(page_of(reads.all()[0]), SizeIs(9));
}

TEST_F(PoolTest, AnIdlePoolAnswersAtOnceEvenWhenItCannotWrite) {
    start(2);
    submit(1, 0);
    submit(2, 1);
    ASSERT_TRUE(drained());
    pool->query(fetch_query(), {0, true}, nullptr, reads, 1);
    ASSERT_TRUE(reads.await(1));
    EXPECT_THAT(page_of(reads.all()[0]), SizeIs(2));
}

TEST_F(PoolTest, AnOperationAfterAllWaitsForEveryLaneAndHoldsItsOwn) {
    start(2);
    database->hold_writes();
    submit(1, 1);
    ASSERT_TRUE(database->await_held_writes(1));
    pool->submit(store_op(2), {0, true}, &rule, &sink, 2);
    submit(3, 0);
    submit(4, 1);
    EXPECT_THAT(sink.all(), IsEmpty());
    database->release_writes();
    ASSERT_TRUE(drained());
    const auto order = committed_order(*database);
    const auto place = [&](const char* payload) {
        return std::ranges::find(order, payload) - order.begin();
    };
    EXPECT_LT(place("1"), place("2"));
    EXPECT_LT(place("2"), place("3"));
    expect_conservation();
}

TEST_F(PoolTest, WithOneLaneAfterAllIsOrdinaryOrder) {
    start();
    plug();
    pool->submit(store_op(1), {0, true}, &rule, &sink, 1);
    submit(2);
    pool->query(fetch_query("#"), {0, true}, nullptr, reads, 3);
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_THAT(tokens_of(sink.all()), ElementsAre(1U, 2U));
    EXPECT_THAT(page_of(reads.all()[0]), ElementsAre("0", "1", "2"));
}

TEST_F(PoolTest, BarriersOfAllLanesDoNotLockEachOther) {
    start(3);
    for (std::uint64_t i = 1; i <= 300; ++i) {
        pool->submit(store_op(i), {i, true}, &rule, &sink, i);
        if (i % 10 == 0)
            pool->query(fetch_query("none"), {i, true}, nullptr, reads, i);
    }
    ASSERT_TRUE(drained());
    // Each waited for all before it, so they committed in the order of submission.
    std::vector<std::string> expected;
    for (int i = 1; i <= 300; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(committed_order(*database), expected);
    EXPECT_THAT(reads.all(), SizeIs(30));
}

TEST_F(PoolTest, AHeldOperationIsWrittenAfterTheOthersWereRefused) {
    settings.give_up_after = std::chrono::milliseconds{1};
    database->go_down();
    start(2);
    submit(1, 1);
    pool->submit(store_op(2), {0, true}, &rule, &sink, 2);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 3);
    ASSERT_TRUE(sink.await(2));
    EXPECT_EQ(pool->stats().refused, 2U);
    database->come_back();
    ASSERT_TRUE(reads.await(1));
    expect_conservation();
}

// --- coalescing ---------------------------------------------------------------------------------

TEST_F(PoolTest, MovesOfOnePositionInABatchAreWrittenOnce) {
    start();
    plug();
    for (std::uint64_t i = 1; i <= 5; ++i) submit(i);
    for (std::uint64_t i = 1; i <= 5; ++i)
        pool->submit(advance_op("c", i, "t0"), {0}, &rule, &sink, 100 + i);
    database->release_writes();
    ASSERT_TRUE(drained());
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(2));
    EXPECT_THAT(writes[1].ops, SizeIs(6));
    EXPECT_EQ(std::get<AdvanceCursor>(writes[1].ops.back()).id, (MessageId{5, 1}));
    EXPECT_THAT(sink.all(), SizeIs(10));
    EXPECT_EQ(rule.stats.committed, 10U);
    expect_conservation();
}

TEST_F(PoolTest, CoalescedOperationsThatAreRefusedEachHaveTheirOutcome) {
    database->poison([](const Op& op) -> std::optional<Failure> {
        if (std::holds_alternative<AdvanceCursor>(op))
            return Failure{errc::bad_value, "no"};
        return {};
    });
    start();
    plug();
    for (std::uint64_t i = 1; i <= 3; ++i) pool->submit(advance_op("c", i), {0}, &rule, &sink, i);
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_THAT(tokens_of(sink.all()), ElementsAre(1U, 2U, 3U));
    EXPECT_EQ(rule.stats.dead_lettered, 3U);
    expect_conservation();
}

}  // namespace
}  // namespace keepmq::store::testing
