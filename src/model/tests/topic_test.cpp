#include "model/topic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace keepmq {
namespace {

using namespace std::string_view_literals;

TEST(TopicName, NeedsOneCharacter) {  // [MQTT-4.7.3-1]
    EXPECT_FALSE(is_topic_name(""));
    EXPECT_TRUE(is_topic_name("a"));
    EXPECT_TRUE(is_topic_name("/"));
    EXPECT_TRUE(is_topic_name(" "));
}

TEST(TopicName, HasNoWildcardAtAnyPlace) {  // [MQTT-4.7.0-1]
    for (const char wildcard : {'+', '#'}) {
        for (std::size_t i = 0; i < 20; ++i) {
            std::string name(20, 'x');
            EXPECT_TRUE(is_topic_name(name));
            name[i] = wildcard;
            EXPECT_FALSE(is_topic_name(name)) << name;
        }
    }
}

TEST(TopicName, HasNoNullCharacter) {  // [MQTT-4.7.3-2]
    EXPECT_FALSE(is_topic_name("a\0b"sv));
    EXPECT_FALSE(is_topic_name("0123456\0"sv));
    EXPECT_FALSE(is_topic_filter("a/\0/b"sv));
}

TEST(TopicFilter, NeedsOneCharacter) {  // [MQTT-4.7.3-1]
    EXPECT_FALSE(is_topic_filter(""));
    EXPECT_TRUE(is_topic_filter("/"));
}

TEST(TopicFilter, MultiLevelWildcardIsTheWholeLastLevel) {  // [MQTT-4.7.1-1]
    EXPECT_TRUE(is_topic_filter("#"));
    EXPECT_TRUE(is_topic_filter("/#"));
    EXPECT_TRUE(is_topic_filter("sport/tennis/#"));
    EXPECT_FALSE(is_topic_filter("sport/tennis#"));
    EXPECT_FALSE(is_topic_filter("sport/#tennis"));
    EXPECT_FALSE(is_topic_filter("sport/#/ranking"));
    EXPECT_FALSE(is_topic_filter("#/"));
    EXPECT_FALSE(is_topic_filter("##"));
}

TEST(TopicFilter, SingleLevelWildcardIsAWholeLevel) {  // [MQTT-4.7.1-2]
    EXPECT_TRUE(is_topic_filter("+"));
    EXPECT_TRUE(is_topic_filter("+/+"));
    EXPECT_TRUE(is_topic_filter("/+/"));
    EXPECT_TRUE(is_topic_filter("+/tennis/#"));
    EXPECT_FALSE(is_topic_filter("sport+"));
    EXPECT_FALSE(is_topic_filter("+sport"));
    EXPECT_FALSE(is_topic_filter("sport/+b/c"));
    EXPECT_FALSE(is_topic_filter("++"));
    EXPECT_FALSE(is_topic_filter("+#"));
}

TEST(TopicFilter, ReportsWildcards) {
    EXPECT_TRUE(has_wildcard("a/+/b"));
    EXPECT_TRUE(has_wildcard("#"));
    EXPECT_FALSE(has_wildcard("a/b"));
    EXPECT_FALSE(has_wildcard("a+/b"));
}

TEST(Topic, CountsLevels) {
    EXPECT_EQ(topic_levels("a"), 1U);
    EXPECT_EQ(topic_levels("a/b/c"), 3U);
    EXPECT_EQ(topic_levels("/"), 2U);
}

TEST(FilterMatches, WithoutWildcardsComparesBytes) {  // [MQTT-4.7.3-4]
    EXPECT_TRUE(filter_matches("a/b", "a/b"));
    EXPECT_FALSE(filter_matches("a/b", "A/b"));
    EXPECT_FALSE(filter_matches("a/b", "a/b/"));
    EXPECT_FALSE(filter_matches("a/b", "/a/b"));
    EXPECT_FALSE(filter_matches("a/b", "a"));
    EXPECT_FALSE(filter_matches("\u00e9", "e\u0301"));  // composed and decomposed
}

TEST(FilterMatches, SingleLevelWildcardTakesOneLevelAlsoAnEmptyOne) {
    EXPECT_TRUE(filter_matches("sport/tennis/+", "sport/tennis/player1"));
    EXPECT_FALSE(filter_matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    EXPECT_FALSE(filter_matches("sport/+", "sport"));
    EXPECT_TRUE(filter_matches("sport/+", "sport/"));
    EXPECT_TRUE(filter_matches("+/+", "/finance"));
    EXPECT_TRUE(filter_matches("/+", "/finance"));
    EXPECT_FALSE(filter_matches("+", "/finance"));
}

TEST(FilterMatches, MultiLevelWildcardIncludesTheParent) {
    EXPECT_TRUE(filter_matches("sport/#", "sport"));
    EXPECT_TRUE(filter_matches("sport/#", "sport/"));
    EXPECT_TRUE(filter_matches("sport/#", "sport/a/b/c"));
    EXPECT_FALSE(filter_matches("sport/#", "sports"));
    EXPECT_TRUE(filter_matches("#", "a/b"));
    EXPECT_TRUE(filter_matches("+/#", "a"));
}

TEST(FilterMatches, WildcardInTheFirstLevelSkipsDollarNames) {  // [MQTT-4.7.2-1]
    EXPECT_FALSE(filter_matches("#", "$SYS/broker"));
    EXPECT_FALSE(filter_matches("+/broker", "$SYS/broker"));
    EXPECT_FALSE(filter_matches("+", "$SYS"));
    EXPECT_TRUE(filter_matches("$SYS/#", "$SYS/broker"));
    EXPECT_TRUE(filter_matches("$SYS/+", "$SYS/broker"));
    EXPECT_TRUE(filter_matches("a/#", "a/$b"));
    EXPECT_TRUE(filter_matches("+/$b", "a/$b"));
}

TEST(FilterMatches, TakesWildcardsInTheNameAsWords) {
    EXPECT_TRUE(filter_matches("a/#", "a/+"));
    EXPECT_TRUE(filter_matches("a/+", "a/#"));
    EXPECT_FALSE(filter_matches("a/b", "a/+"));
}

void expect_overlap(bool expected, std::string_view a, std::string_view b) {
    EXPECT_EQ(filters_overlap(a, b), expected) << a << " and " << b;
    EXPECT_EQ(filters_overlap(b, a), expected) << b << " and " << a;
}

TEST(FiltersOverlap, WhenSomeNameMatchesBoth) {
    expect_overlap(true, "a/b", "a/b");
    expect_overlap(true, "a/+", "+/b");
    expect_overlap(true, "a/#", "a");
    expect_overlap(true, "a/#", "+");
    expect_overlap(true, "a/#", "a/b/c/#");
    expect_overlap(true, "#", "a/+/c");
    expect_overlap(true, "+/+", "/#");
    expect_overlap(true, "$SYS/#", "$SYS/+/x");
}

TEST(FiltersOverlap, NotWhenALevelDiffers) {
    expect_overlap(false, "a/b", "a/c");
    expect_overlap(false, "a/+", "a");
    expect_overlap(false, "a/+", "a/b/c");
    expect_overlap(false, "a/b/#", "a");
    expect_overlap(false, "a/+/c", "+/b/d");
}

TEST(FiltersOverlap, NotBetweenAFirstWildcardAndADollarFilter) {
    expect_overlap(false, "#", "$SYS/x");
    expect_overlap(false, "+/x", "$SYS/x");
    expect_overlap(false, "+", "$SYS/#");
}

TEST(LiteralPrefix, EndsBeforeTheFirstWildcard) {
    EXPECT_EQ(literal_prefix("a/b"), "a/b");
    EXPECT_EQ(literal_prefix("a/b/+"), "a/b/");
    EXPECT_EQ(literal_prefix("a/b/+/c"), "a/b/");
    EXPECT_EQ(literal_prefix("a/#"), "a");
    EXPECT_EQ(literal_prefix("a/+/#"), "a/");
    EXPECT_EQ(literal_prefix("#"), "");
    EXPECT_EQ(literal_prefix("+/a"), "");
    EXPECT_EQ(literal_prefix("/#"), "");
    EXPECT_EQ(literal_prefix("a+/b"), "a+/b");
}

TEST(SplitShared, LeavesOrdinaryFiltersAlone) {
    for (const auto* filter : {"a/b", "$SYS/#", "$share", "$shared/x"}) {
        const auto split = split_shared(filter);
        EXPECT_TRUE(split.valid);
        EXPECT_EQ(split.group, "");
        EXPECT_EQ(split.filter, filter);
    }
}

TEST(SplitShared, SeparatesGroupAndFilter) {  // [MQTT-4.8.2-1]
    const auto split = split_shared("$share/workers/jobs/#");
    EXPECT_TRUE(split.valid);
    EXPECT_EQ(split.group, "workers");
    EXPECT_EQ(split.filter, "jobs/#");
    EXPECT_EQ(split_shared("$share/g//x").filter, "/x");
}

TEST(SplitShared, RefusesABadGroupOrAMissingFilter) {  // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
    for (const auto* filter :
         {"$share/", "$share//a", "$share/g", "$share/g/", "$share/g+/a", "$share/#/a"})
        EXPECT_FALSE(split_shared(filter).valid) << filter;
}

}  // namespace
}  // namespace keepmq
