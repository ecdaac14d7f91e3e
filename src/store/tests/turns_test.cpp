// Lanes of a pool that has much to write.

#include "store/turns.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAreArray;

/// So many turns are had without waiting; the next one begins when one of them ends.
void expect_turns(std::size_t lanes, std::size_t most, std::uint64_t writes, std::size_t at_once) {
    const Counter waiting{writes};
    Turns turns{lanes, waiting, std::chrono::hours{1}};
    turns.allow(most);
    std::vector<std::unique_ptr<Turn>> held;
    while (held.size() < at_once) held.push_back(std::make_unique<Turn>(turns));
    std::atomic<bool> ended{false};
    std::latch started{2};
    std::jthread next{[&] {
        started.arrive_and_wait();
        const Turn turn{turns};
        EXPECT_TRUE(ended);
    }};
    started.arrive_and_wait();
    std::this_thread::yield();
    ended = true;
    held.pop_back();
}

bool are_needed(std::size_t lanes, std::uint64_t writes) {
    const Counter waiting{writes};
    return Turns{lanes, waiting}.are_needed();
}

TEST(Turns, MoreLanesHaveOneTheMoreWaits) {
    for (int i = 0; i < 10; ++i) {
        expect_turns(8, 4, 33, 1);
        expect_turns(8, 4, 255, 1);
        expect_turns(8, 4, 256, 2);
        expect_turns(8, 4, 511, 3);
        expect_turns(8, 4, 512, 4);
        expect_turns(8, 4, 100'000, 4);
        expect_turns(8, 2, 511, 1);
        expect_turns(8, 2, 512, 2);
        expect_turns(3, 2, 1000, 2);
    }
}

TEST(Turns, WhatComesMeanwhileIsSeenByWhoAsksNext) {
    Counter waiting{100};
    Turns turns{8, waiting, std::chrono::hours{1}};
    turns.allow(4);
    const Turn first{turns};
    waiting = 512;
    const Turn second{turns};
}

TEST(Turns, WhoHasWaitedLongGoesOn) {
    const Counter waiting{100};
    Turns turns{8, waiting, std::chrono::milliseconds{1}};
    const Turn hangs{turns};
    for (int i = 0; i < 100; ++i) const Turn passes{turns};
}

TEST(Turns, AreNeededWithMoreThanAFewWritesInManyLanes) {
    EXPECT_TRUE(are_needed(8, 1000));
    EXPECT_TRUE(are_needed(8, 33));
    EXPECT_FALSE(are_needed(8, 32));
    EXPECT_FALSE(are_needed(2, 1000));
    EXPECT_FALSE(are_needed(1, 1000));
}

class LanesWithTurns : public PoolTest {
  protected:
    static constexpr std::size_t lanes = 8;

    /// In the order in which they were submitted to their lane.
    void expect_all_in_order(std::uint64_t writes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            std::vector<Token> expected;
            for (std::uint64_t i = 1; i <= writes; ++i)
                if (i % lanes == lane)
                    expected.push_back(i);
            auto tokens = tokens_of(sink.all());
            std::erase_if(tokens, [&](Token token) { return token % lanes != lane; });
            EXPECT_THAT(tokens, ElementsAreArray(expected));
        }
        EXPECT_EQ(database->stored_messages(), writes + 1);
        expect_conservation();
    }
};

TEST_F(LanesWithTurns, LoseNothingAndKeepTheirOrder) {
    constexpr std::uint64_t writes = 4000;
    settings.max_batch = 20;
    start(lanes);
    plug();
    for (std::uint64_t i = 1; i <= writes; ++i) submit(i, i % lanes);
    database->fail_next_writes(20, errc::connection_lost);
    database->release_writes();
    ASSERT_TRUE(drained());
    expect_all_in_order(writes);
}

TEST_F(LanesWithTurns, WriteGoodBatchesAndLeaveTheRestForTheNext) {
    constexpr std::uint64_t writes = 1000;
    database->like_batches_of(10);
    start(lanes);
    // All are connected: what the database likes is asked of the connection.
    for (std::uint64_t i = 1; i <= lanes; ++i) submit(i, i % lanes);
    ASSERT_TRUE(drained());
    plug();
    for (std::uint64_t i = lanes + 1; i <= writes; ++i) submit(i, i % lanes);
    database->release_writes();
    ASSERT_TRUE(drained());
    expect_all_in_order(writes);
    std::size_t large = 0;
    for (const auto& write : database->writes()) {
        if (write.ops.size() < 35)  // before so much waits that turns are needed, or the last ones
            continue;
        ++large;
        EXPECT_EQ(write.ops.size() % 10, 0U);
    }
    EXPECT_GE(large, lanes - 1);
}

TEST_F(PoolTest, AQueryPassesLanesThatWaitForTheirTurn) {
    constexpr std::size_t lanes = 8;
    start(lanes);
    database->hold_writes();
    for (std::uint64_t i = 1; i <= 1000; ++i) submit(i, i % lanes);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 1);
    database->release_writes();
    ASSERT_TRUE(reads.await(1));
    EXPECT_EQ(page_of(reads.all()[0]).size(), 1000U);
}

TEST_F(PoolTest, APoolThatStopsRefusesWhatWaitsForATurn) {
    constexpr std::size_t lanes = 8;
    start(lanes);
    database->hold_writes();
    for (std::uint64_t i = 1; i <= 1000; ++i) submit(i, i % lanes);
    ASSERT_TRUE(database->await_held_writes(2));
    pool->stop();
    EXPECT_EQ(sink.all().size(), 1000U);
    EXPECT_EQ(pool->stats().refused, 1000U);
    expect_conservation();
}

}  // namespace
}  // namespace keepmq::store::testing
