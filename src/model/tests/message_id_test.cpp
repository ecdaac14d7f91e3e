#include "model/message_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace keepmq {
namespace {

using namespace std::chrono_literals;

constexpr auto some_time = WallTime{Micros{1'700'000'000'000'000}};

TEST(MessageId, ReadsTheTimeOfAKnownIdentifier) {
    const auto id = MessageId::parse("2VFt0kuNrOktefX6m4nP");
    ASSERT_TRUE(id.has_value());
    const auto expected =
        std::chrono::sys_days{std::chrono::year{2018} / 11 / 16} + 3h + 25min + 54s;
    EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(id->time()), expected);
    EXPECT_EQ(id->to_string(), "2VFt0kuNrOktefX6m4nP");
}

TEST(MessageId, TextOfTheLimits) {
    EXPECT_EQ(MessageId{}.to_string(), "00000000000000000000");
    EXPECT_TRUE(MessageId{}.is_null());
    EXPECT_EQ((MessageId{0, 61}.to_string()), "0000000000000000000z");
    EXPECT_EQ((MessageId{0, 62}.to_string()), "00000000000000000010");
    // 62^20 is a little more than 2^119: the text holds every time before the year 3180.
    const auto largest = MessageId::parse("zzzzzzzzzzzzzzzzzzzz");
    ASSERT_TRUE(largest.has_value());
    EXPECT_EQ(largest->to_string(), "zzzzzzzzzzzzzzzzzzzz");
    EXPECT_GT(largest->high(), std::uint64_t{1} << 55U);
}

TEST(MessageId, RefusesOtherText) {
    EXPECT_FALSE(MessageId::parse(""));
    EXPECT_FALSE(MessageId::parse("2VFt0kuNrOktefX6m4n"));
    EXPECT_FALSE(MessageId::parse("2VFt0kuNrOktefX6m4nPP"));
    EXPECT_FALSE(MessageId::parse("2VFt0kuNrOktefX6m4n-"));
    EXPECT_FALSE(MessageId::parse("2VFt0kuNrOktefX6m4n "));
}

TEST(MessageId, TextSortsLikeTheNumber) {
    std::vector<MessageId> ids;
    for (std::uint64_t high = 1; high < (std::uint64_t{1} << 55U); high *= 7) {
        ids.emplace_back(high, 0);
        ids.emplace_back(high, high * 0x9E3779B97F4A7C15ULL);
    }
    std::sort(ids.begin(), ids.end());
    std::vector<std::string> texts;
    for (const auto& id : ids) {
        texts.push_back(id.to_string());
        EXPECT_EQ(texts.back().size(), MessageId::text_size);
        EXPECT_EQ(MessageId::parse(texts.back()), id);
    }
    EXPECT_TRUE(std::is_sorted(texts.begin(), texts.end()));
}

TEST(MessageIdSource, CarriesTimeAndNode) {
    MessageIdSource source{0xABCDEF012345};
    const auto id = source.next(some_time);
    EXPECT_EQ(id.time(), some_time);
    EXPECT_EQ(id.low() >> 16U, 0xABCDEF012345U);
}

TEST(MessageIdSource, UsesTheLow48BitsOfTheNode) {
    MessageIdSource source{0xFFFF000000000001};
    EXPECT_EQ(source.next(some_time).low(), std::uint64_t{1} << 16U);
}

TEST(MessageIdSource, IncreasesWhenTheClockStepsBack) {
    MessageIdSource source{1};
    auto previous = source.next(some_time);
    for (const auto step : {0us, -1us, -5'000'000us, 1us, -3us}) {
        const auto id = source.next(some_time + step);
        EXPECT_GT(id, previous);
        previous = id;
    }
    EXPECT_EQ(source.next(some_time + 10s).time(), some_time + 10s);
}

TEST(MessageIdSource, ContinuesAboveTheFloor) {
    MessageIdSource source{1, some_time};
    EXPECT_GE(source.next(some_time - 1h).time(), some_time);
    MessageIdSource again{1, some_time};
    EXPECT_EQ(again.next(some_time + 1s).time(), some_time + 1s);
}

TEST(MessageIdSource, GivesMoreThan65536InOneMicrosecond) {
    MessageIdSource source{7};
    auto previous = source.next(some_time);
    for (int i = 0; i < 200'000; ++i) {
        const auto id = source.next(some_time);
        ASSERT_GT(id, previous) << i;
        ASSERT_EQ(id.low() >> 16U, 7U) << i;
        previous = id;
    }
    EXPECT_EQ(previous.time(), some_time + 3us);
}

}  // namespace
}  // namespace keepmq
