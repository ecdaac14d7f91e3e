#include "broker/leases.hpp"

#include <gtest/gtest.h>

namespace keepmq::broker {
namespace {

constexpr MessageId first{1, 0};
constexpr MessageId second{2, 0};

TEST(Leases, AMessageIsLeasedUntilItsLastHolderGivesItBack) {
    Leases leases;
    EXPECT_FALSE(leases.is_leased(first));
    leases.take(first);
    leases.take(first);
    EXPECT_TRUE(leases.is_leased(first));
    EXPECT_FALSE(leases.is_leased(second));
    leases.give_back(first);
    EXPECT_TRUE(leases.is_leased(first));
    leases.give_back(first);
    EXPECT_FALSE(leases.is_leased(first));
    EXPECT_EQ(leases.size(), 0U);
}

TEST(Leases, GivingBackWhatNobodyHoldsDoesNothing) {
    Leases leases;
    leases.give_back(first);
    leases.take(first);
    leases.give_back(second);
    EXPECT_TRUE(leases.is_leased(first));
    EXPECT_EQ(leases.size(), 1U);
}

TEST(Leases, CanBeTakenAgain) {
    Leases leases;
    leases.take(first);
    leases.give_back(first);
    leases.take(first);
    EXPECT_TRUE(leases.is_leased(first));
}

}  // namespace
}  // namespace keepmq::broker
