#include "store/link.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using std::chrono::milliseconds;

class LinkTest : public ::testing::Test {
  protected:
    LinkTest() {
        settings.retry_first = milliseconds{100};
        settings.retry_limit = milliseconds{5000};
    }

    /// From the failure, measured from before it: at most so much too long as the call took.
    milliseconds delay_after(errc code) {
        const SteadyTime start = std::chrono::steady_clock::now();
        link.failed({code, ""});
        return std::chrono::duration_cast<milliseconds>(link.due_when_idle() - start);
    }

    PoolSettings settings;
    PoolStats stats;
    Health health{"memory pool1", "", 1, stats};
    std::shared_ptr<MemoryDatabase> database = std::make_shared<MemoryDatabase>();
    Link link{MemoryBackend{database}.connect(Role::writer), settings, health, 0};
};

TEST_F(LinkTest, DelaysGrowFromTheFirstToTheLimit) {
    for (const int expected : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
        const auto delay = delay_after(errc::unreachable);
        EXPECT_GE(delay, milliseconds{expected * 3 / 4 - 1});
        EXPECT_LE(delay, milliseconds{expected + 1000});  // a slow machine may add to it
    }
}

TEST_F(LinkTest, ALostConnectionIsOpenedAgainAtOnceButOnlyOnce) {
    const SteadyTime start = std::chrono::steady_clock::now();
    EXPECT_LT(delay_after(errc::connection_lost),
              milliseconds{75} + (std::chrono::steady_clock::now() - start));
    ASSERT_TRUE(link.open());
    EXPECT_GE(delay_after(errc::connection_lost), milliseconds{149});
}

TEST_F(LinkTest, WithWorkWaitingItTriesWithinASecond) {
    for (int i = 0; i < 10; ++i) link.failed({errc::unreachable, ""});
    EXPECT_LE(link.due_when_waiting(), std::chrono::steady_clock::now() + milliseconds{800});
    link.failed({errc::access_denied, ""});
    EXPECT_EQ(link.due_when_waiting(), link.due_when_idle());
}

TEST_F(LinkTest, OnlyASuccessfulUseStartsTheDelaysAnew) {
    for (int i = 0; i < 10; ++i) link.failed({errc::timed_out, ""});
    ASSERT_TRUE(link.open());
    EXPECT_TRUE(link.is_failing());
    EXPECT_GE(delay_after(errc::timed_out), milliseconds{3749});
    link.succeeded();
    EXPECT_FALSE(link.is_failing());
    EXPECT_GE(delay_after(errc::timed_out), milliseconds{74});
    EXPECT_LE(link.due_when_idle(), std::chrono::steady_clock::now() + milliseconds{100});
}

TEST_F(LinkTest, AFullDiskIsNotRepairedByConnecting) {
    ASSERT_TRUE(link.open());
    EXPECT_EQ(health.state(), PoolState::running);
    link.failed({errc::storage_full, "disk full"});
    ASSERT_TRUE(link.open());
    EXPECT_EQ(health.state(), PoolState::degraded);
    link.succeeded();
    EXPECT_EQ(health.state(), PoolState::running);
}

TEST(Health, IsDegradedUntilEveryLinkWorks) {
    PoolStats stats;
    Health health{"memory pool1", "", 2, stats};
    EXPECT_EQ(health.state(), PoolState::connecting);
    health.fails(0, {errc::unreachable, "a"}, 1);
    health.fails(1, {errc::unreachable, "b"}, 1);
    health.works(0);
    EXPECT_EQ(health.state(), PoolState::degraded);
    health.works(1);
    EXPECT_EQ(health.state(), PoolState::running);
    health.fails(1, {errc::busy, "locked"}, 2);
    EXPECT_EQ(health.state(), PoolState::running);
    health.fails(1, {errc::busy, "locked"}, 3);
    EXPECT_EQ(health.state(), PoolState::degraded);
    EXPECT_EQ(health.last_error(), "database busy: locked");
    health.stopped();
    health.works(1);
    EXPECT_EQ(health.state(), PoolState::stopped);
}

}  // namespace
}  // namespace keepmq::store::testing
