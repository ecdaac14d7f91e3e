#include "runtime/interest.hpp"

#include <gtest/gtest.h>

#include <string>

namespace keepmq::runtime::test {
namespace {

bool matches(std::string_view filter, std::string_view topic) {
    Interest interest;
    interest.add(filter);
    return interest.may_match(topic);
}

TEST(Interest, NothingMatchesWithoutSubscriptions) {
    EXPECT_FALSE(Interest{}.may_match("a/b"));
}

TEST(Interest, NeverMissesWhatAFilterMatches) {
    EXPECT_TRUE(matches("a/b", "a/b"));
    EXPECT_TRUE(matches("a/+/c", "a/b/c"));
    EXPECT_TRUE(matches("a/#", "a"));
    EXPECT_TRUE(matches("/#", "/a"));
    EXPECT_TRUE(matches("+/b", "a/b"));
    EXPECT_TRUE(matches("#", "a/b"));
    EXPECT_TRUE(matches("$SYS/#", "$SYS/broker"));
    EXPECT_TRUE(matches("+", ""));
}

TEST(Interest, LeavesOutMostOfTheRest) {
    EXPECT_FALSE(matches("a/b", "a/c"));
    EXPECT_FALSE(matches("a/#", "b/c"));
    EXPECT_FALSE(matches("#", "$SYS/broker"));  // [MQTT-4.7.2-1]
}

TEST(Interest, CountsEachSubscription) {
    for (const std::string filter : {"a/b", "a/#", "#"}) {
        Interest interest;
        interest.add(filter);
        interest.add(filter);
        interest.remove(filter);
        EXPECT_TRUE(interest.may_match("a/b")) << filter;
        interest.remove(filter);
        EXPECT_FALSE(interest.may_match("a/b")) << filter;
    }
}

}  // namespace
}  // namespace keepmq::runtime::test
