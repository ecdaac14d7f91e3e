// Error codes, names of operations, histograms.

#include <gtest/gtest.h>

#include "store/errc.hpp"
#include "store/metrics.hpp"
#include "store/pool.hpp"
#include "support.hpp"

namespace keepmq::store::testing {
namespace {

TEST(StoreErrc, EachCodeIsHandledInOneWay) {
    for (int value = 1; value <= static_cast<int>(errc::shutting_down); ++value) {
        const auto code = static_cast<errc>(value);
        const bool ends = code == errc::shutting_down;
        EXPECT_EQ(is_transient(code) + is_permanent(code) + ends, 1) << value;
        EXPECT_TRUE(is_transient(code) || !is_outcome_unknown(code));
        EXPECT_NE(make_error_code(code).message(), "unknown store error");
    }
    const ErrorCode code = errc::busy;
    EXPECT_STREQ(code.category().name(), "store");
}

TEST(StoreOp, HasAName) {
    EXPECT_EQ(name_of(store_op(1)), "store_message");
    EXPECT_EQ(name_of(advance_op("c", 1)), "advance_cursor");
    EXPECT_EQ(name_of(Execute{}), "execute");
}

TEST(Histogram, GivesUpperBoundsOfQuantiles) {
    Histogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0U);
    histogram.record(0);
    EXPECT_EQ(histogram.quantile(0.5), 1U);
    histogram.record(5, 98);
    histogram.record(1'000'000);
    EXPECT_EQ(histogram.count(), 100U);
    EXPECT_EQ(histogram.sum(), 1'000'490U);
    EXPECT_EQ(histogram.quantile(0.5), 8U);
    EXPECT_EQ(histogram.quantile(0.99), 8U);
    EXPECT_EQ(histogram.quantile(1.0), 1U << 20U);
    histogram.record(~0ULL);
    EXPECT_EQ(histogram.quantile(1.0), 1ULL << 31U);
}

TEST(OrderKey, IsTheSameForTheSameText) {
    EXPECT_EQ(order_key("a/b"), order_key(std::string{"a/b"}));
    EXPECT_NE(order_key("a/b"), order_key("a/c"));
}

TEST(PoolState, HasAName) {
    EXPECT_EQ(to_string(PoolState::connecting), "connecting");
    EXPECT_EQ(to_string(PoolState::degraded), "degraded");
}

}  // namespace
}  // namespace keepmq::store::testing
