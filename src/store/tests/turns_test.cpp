// Lanes of a pool that has much to write.

#include "store/turns.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAreArray;

/// The most of `lanes` threads that had a turn at once.
std::size_t most_at_once(std::size_t lanes) {
    Turns turns{lanes};
    std::atomic<std::size_t> inside{0};
    std::atomic<std::size_t> most{0};
    std::vector<std::jthread> threads;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                const Turn turn{turns};
                const auto now = ++inside;
                for (auto seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);)
                    ;
                std::this_thread::yield();
                --inside;
            }
        });
    threads.clear();
    return most;
}

TEST(Turns, HalfOfTheLanesHaveOneAtATime) {
    EXPECT_EQ(most_at_once(8), 4U);
    EXPECT_EQ(most_at_once(3), 2U);
}

TEST(Turns, AreNeededWhenMuchWaitsInManyLanes) {
    EXPECT_TRUE(Turns{8}.are_needed(1000));
    EXPECT_FALSE(Turns{8}.are_needed(100));
    EXPECT_FALSE(Turns{2}.are_needed(1000));
    EXPECT_FALSE(Turns{1}.are_needed(1000));
}

TEST_F(PoolTest, ManyLanesThatTakeTurnsLoseNothingAndKeepTheirOrder) {
    constexpr std::size_t lanes = 8;
    constexpr std::uint64_t writes = 4000;
    settings.max_batch = 20;
    start(lanes);
    plug();
    for (std::uint64_t i = 1; i <= writes; ++i) submit(i, i % lanes);
    database->fail_next_writes(20, errc::connection_lost);
    database->release_writes();
    ASSERT_TRUE(drained());
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
    ASSERT_TRUE(database->await_held_writes(4));
    pool->stop();
    EXPECT_EQ(sink.all().size(), 1000U);
    EXPECT_EQ(pool->stats().refused, 1000U);
    expect_conservation();
}

}  // namespace
}  // namespace keepmq::store::testing
