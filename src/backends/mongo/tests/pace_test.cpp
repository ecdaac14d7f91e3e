#include "backends/mongo/pace.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace keepmq::mongo {
namespace {

using namespace std::chrono_literals;

std::vector<Write> writes(std::size_t count, std::size_t bytes = 0) {
    return std::vector<Write>(
        count, {Write::Kind::insert, {}, Document{}.text("x", std::string(bytes, 'x')), {}});
}

TEST(Pace, BeginsWithSmallRequestsAndDoublesThemWhileTheServerIsQuick) {
    Pace pace{5s};
    const auto many = writes(5000);
    std::vector<std::size_t> sizes;
    for (int request = 0; request < 5; ++request) {
        const auto piece = std::span{many}.first(pace.fit(many));
        sizes.push_back(piece.size());
        pace.answered(piece, 10ms);
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{128, 256, 512, 1024, 2048}));
}

TEST(Pace, DoesNotGrowByRequestsThatAreSmallAnyway) {
    Pace pace{5s};
    for (int request = 0; request < 10; ++request) pace.answered(writes(3), 1ms);
    EXPECT_EQ(pace.fit(writes(5000)), 128);
}

TEST(Pace, AsksForWhatTheServerManagesInAFifthOfTheTime) {
    Pace pace{5s};
    pace.answered(writes(128), 4s);
    EXPECT_EQ(pace.fit(writes(5000)), 32);
    pace.answered(writes(32), 800ms);
    EXPECT_EQ(pace.fit(writes(5000)), 32);
}

TEST(Pace, IsAQuarterAfterATimeOutAndNeverLessThanOne) {
    Pace pace{5s};
    pace.timed_out(writes(100));
    EXPECT_EQ(pace.fit(writes(5000)), 25);
    for (int request = 0; request < 5; ++request) pace.timed_out(writes(1));
    EXPECT_EQ(pace.fit(writes(5000)), 1);
    pace.answered(writes(1), 4s);
    EXPECT_EQ(pace.fit(writes(5000)), 1);
    pace.answered(writes(1), 1ms);
    EXPECT_EQ(pace.fit(writes(5000)), 2);
}

TEST(Pace, CountsLongDocumentsAsSeveral) {
    const Pace pace{5s};
    EXPECT_EQ(pace.fit(writes(100, 64 * 1024)), 1);
    EXPECT_EQ(pace.fit(writes(100, 15 * 1024)), 8);
    EXPECT_EQ(pace.fit(writes(1, 10'000'000)), 1);
}

}  // namespace
}  // namespace keepmq::mongo
