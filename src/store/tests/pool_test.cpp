// Lanes, batches, outcomes, counters, the end of a pool.

#include "store/pool.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PoolTest, CommitsAndReportsEachOperationOnce) {
    start();
    for (std::uint64_t i = 1; i <= 100; ++i) submit(i);
    ASSERT_TRUE(drained());
    std::vector<Token> expected(100);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(tokens_of(sink.all()), expected);
    for (const Completed& one : sink.all()) {
        EXPECT_EQ(one.outcome.fate, Fate::committed);
        EXPECT_FALSE(one.outcome.failure);
    }
    EXPECT_EQ(database->stored_messages(), 100U);
    EXPECT_EQ(rule.stats.committed, 100U);
    EXPECT_EQ(pool->stats().wait_micros.count(), 100U);
    EXPECT_EQ(pool->state(), PoolState::running);
    EXPECT_TRUE(pool->last_error().empty());
    expect_conservation();
}

TEST_F(PoolTest, WhatGathersDuringACommitIsTheNextBatch) {
    settings.max_batch = 4;
    start();
    plug();
    for (std::uint64_t i = 1; i <= 10; ++i) submit(i);
    EXPECT_THAT(pool->lane_depths(), ElementsAre(11U));
    database->release_writes();
    ASSERT_TRUE(drained());
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(4));
    EXPECT_THAT(payloads_of(writes[1]), ElementsAre("1", "2", "3", "4"));
    EXPECT_THAT(payloads_of(writes[2]), ElementsAre("5", "6", "7", "8"));
    EXPECT_THAT(payloads_of(writes[3]), ElementsAre("9", "10"));
    EXPECT_THAT(sink.posts(), ElementsAre(4U, 4U, 2U));
    EXPECT_EQ(pool->stats().batches, 4U);
    EXPECT_THAT(pool->lane_depths(), ElementsAre(0U));
}

TEST_F(PoolTest, EachSinkGetsItsOutcomesOfABatchInOneCall) {
    CollectingSink other;
    start();
    plug();
    for (std::uint64_t i = 1; i <= 6; ++i)
        pool->submit(store_op(i), {0}, nullptr, i % 2 == 0 ? &other : &sink, i);
    pool->submit(store_op(7), {0}, nullptr);
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_THAT(sink.posts(), ElementsAre(3U));
    EXPECT_THAT(tokens_of(sink.all()), ElementsAre(1U, 3U, 5U));
    EXPECT_THAT(tokens_of(other.all()), ElementsAre(2U, 4U, 6U));
    pool.reset();
}

TEST_F(PoolTest, OneKeyKeepsItsOrderWhileLanesRunAtTheSameTime) {
    start(3);
    for (std::uint64_t i = 1; i <= 900; ++i) submit(i, i % 3);
    ASSERT_TRUE(drained());
    std::vector<std::uint64_t> last(3);
    for (const auto& write : database->writes())
        for (const Op& op : write.ops) {
            const Message& one = *std::get<StoreMessage>(op).message;
            EXPECT_LT(last[one.id.high() % 3], one.id.high());
            last[one.id.high() % 3] = one.id.high();
        }
    EXPECT_EQ(pool->stats().committed, 900U);
}

TEST_F(PoolTest, ABlockedLaneDoesNotBlockAnother) {
    start(2);
    database->hold_writes();
    submit(1, 0);
    submit(2, 1);
    EXPECT_TRUE(database->await_held_writes(2));
    database->release_writes();
    EXPECT_TRUE(drained());
}

TEST_F(PoolTest, HasRoomUntilTheLimit) {
    settings.queue_limit = 3;
    start();
    plug();
    EXPECT_TRUE(pool->has_room());
    submit(1);
    EXPECT_TRUE(pool->has_room());
    submit(2);
    EXPECT_FALSE(pool->has_room());
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_TRUE(pool->has_room());
}

TEST_F(PoolTest, DrainSaysWhenTheDeadlineCameFirst) {
    start();
    plug();
    EXPECT_FALSE(pool->drain(std::chrono::steady_clock::now()));
    database->release_writes();
    EXPECT_TRUE(drained());
}

TEST_F(PoolTest, StopRefusesWhatWaits) {
    settings.max_batch = 2;
    start(2);
    database->hold_writes();
    submit(1, 0);
    ASSERT_TRUE(database->await_held_writes(1));
    for (std::uint64_t i = 2; i <= 9; ++i) submit(i, i % 2);
    pool->submit(store_op(10), {0, true}, &rule, &sink, 10);
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 2);
    pool->stop();
    EXPECT_THAT(sink.all(), SizeIs(10));
    for (const Completed& one : sink.all()) {
        EXPECT_EQ(one.outcome.fate, Fate::refused);
        ASSERT_TRUE(one.outcome.failure);
        EXPECT_EQ(one.outcome.failure->code, errc::shutting_down);
    }
    EXPECT_THAT(reads.all(), SizeIs(2));
    EXPECT_EQ(pool->state(), PoolState::stopped);
    EXPECT_TRUE(drained());
    expect_conservation();
}

TEST_F(PoolTest, AStoppedPoolRefusesAtOnce) {
    start(2);
    pool->stop();
    pool->stop();
    submit(1);
    pool->submit(store_op(2), {0, true}, &rule, &sink, 2);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 3);
    ASSERT_THAT(sink.all(), SizeIs(2));
    EXPECT_EQ(sink.all()[0].outcome.failure->code, errc::shutting_down);
    ASSERT_THAT(reads.all(), SizeIs(1));
    EXPECT_EQ(reads.all()[0].outcome.fate, Fate::refused);
    expect_conservation();
}

TEST_F(PoolTest, StopsWhileTheDatabaseIsDown) {
    database->go_down();
    settings.retry_first = settings.retry_limit = std::chrono::hours{1};
    start(2, 2);
    ASSERT_TRUE(database->await_opens(4));
    submit(1);
    pool->query(fetch_query(), {1}, nullptr, reads, 2);
    pool->stop();
    EXPECT_THAT(sink.all(), SizeIs(1));
    EXPECT_THAT(reads.all(), SizeIs(1));
}

TEST_F(PoolTest, ManySubmittersLoseNothing) {
    start(3, 2);
    constexpr std::uint64_t each = 2000;
    std::vector<std::thread> submitters;
    for (std::uint64_t thread = 0; thread < 4; ++thread)
        submitters.emplace_back([this, thread] {
            for (std::uint64_t i = 0; i < each; ++i) {
                const std::uint64_t number = thread * each + i + 1;
                pool->submit(store_op(number), {number, number % 500 == 0}, &rule, &sink, number);
                if (number % 400 == 0)
                    pool->query(
                        fetch_query("none"), {number, number % 800 == 0}, nullptr, reads, number);
            }
        });
    for (std::thread& thread : submitters) thread.join();
    ASSERT_TRUE(drained());
    EXPECT_THAT(sink.all(), SizeIs(4 * each));
    EXPECT_THAT(reads.all(), SizeIs(4 * each / 400));
    EXPECT_EQ(database->stored_messages(), 4 * each);
    EXPECT_THAT(pool->lane_depths(), Each(0U));
    expect_conservation();
}

}  // namespace
}  // namespace keepmq::store::testing
