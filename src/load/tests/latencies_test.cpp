#include "load/latencies.hpp"

#include <gtest/gtest.h>

#include "load/figures.hpp"

namespace keepmq::load {
namespace {

TEST(Latencies, AreWithinTwoPercentOfWhatWasRecorded) {
    for (const std::int64_t micros : {0L, 1L, 63L, 64L, 100L, 999L, 1'000'003L, 59'000'000L}) {
        Latencies latencies;
        latencies.record(micros);
        const auto shown = static_cast<double>(latencies.quantile(0.5));
        EXPECT_LE(shown, static_cast<double>(micros));
        EXPECT_GE(shown, static_cast<double>(micros) * 0.98);
        EXPECT_EQ(latencies.max(), static_cast<std::uint64_t>(micros));
    }
}

TEST(Latencies, OfAThousandAreAtTheirRank) {
    Latencies latencies;
    for (int i = 1; i <= 1000; ++i) latencies.record(i);
    EXPECT_EQ(latencies.count(), 1000U);
    EXPECT_NEAR(static_cast<double>(latencies.quantile(0.5)), 500, 10);
    EXPECT_NEAR(static_cast<double>(latencies.quantile(0.99)), 990, 20);
    EXPECT_EQ(latencies.max(), 1000U);
}

TEST(Latencies, OneSlowAmongAHundredIsTheNinetyNinth) {
    Latencies latencies;
    for (int i = 0; i < 99; ++i) latencies.record(10);
    latencies.record(1'000'000);
    EXPECT_EQ(latencies.quantile(0.5), 10U);
    EXPECT_GE(latencies.quantile(0.99), 980'000U);
}

TEST(Latencies, OfNothingAreZero) {
    const Latencies latencies;
    EXPECT_EQ(latencies.quantile(0.99), 0U);
    EXPECT_EQ(in_words(latencies), "nothing to measure");
}

TEST(Figures, AreOneObjectInOrder) {
    Latencies latencies;
    latencies.record(5);
    Figures inner;
    inner.add("pid", 7);
    Figures figures;
    figures.add("count", 3U).add("share", 0.25).add("name", "a\"b").add("broker", inner);
    EXPECT_EQ(figures.json(),
              R"({"count": 3, "share": 0.250000, "name": "a\"b", "broker": {"pid": 7}})");
    EXPECT_EQ(Figures{}.add("latency", latencies).json(),
              R"({"latency": {"count": 1, "p50": 5, "p90": 5, "p99": 5, "p999": 5, "max": 5}})");
}

TEST(Figures, AreGroupedForPeople) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(rounded(1.256, 2), "1.26");
}

}  // namespace
}  // namespace keepmq::load
