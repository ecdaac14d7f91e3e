#include "broker/topic_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The tree never looks into a subscriber, so numbers do.
Subscriber subscriber(std::uintptr_t number) {
    return {reinterpret_cast<Session*>(number * 16),
            nullptr,
            reinterpret_cast<Subscription*>(number * 16 + 8)};
}
std::uintptr_t number_of(const Subscriber& s) {
    return reinterpret_cast<std::uintptr_t>(s.session) / 16;
}
std::vector<std::uintptr_t> matches(const TopicTree& tree, std::string_view topic) {
    std::vector<std::uintptr_t> found;
    tree.match(topic, [&](const Subscriber& s) { found.push_back(number_of(s)); });
    std::sort(found.begin(), found.end());
    return found;
}

TEST(TopicTree, FindsExactFilters) {
    TopicTree tree;
    tree.insert("a/b", subscriber(1));
    tree.insert("a/b", subscriber(2));
    tree.insert("a/c", subscriber(3));
    EXPECT_THAT(matches(tree, "a/b"), ElementsAre(1, 2));
    EXPECT_THAT(matches(tree, "a/c"), ElementsAre(3));
    EXPECT_THAT(matches(tree, "a"), IsEmpty());
    EXPECT_THAT(matches(tree, "a/b/"), IsEmpty());
}

TEST(TopicTree, ReportsEachMatchingSubscriptionOnce) {
    TopicTree tree;
    tree.insert("a/b", subscriber(1));
    tree.insert("a/+", subscriber(1));
    tree.insert("a/#", subscriber(1));
    tree.insert("#", subscriber(1));
    tree.insert("+/+", subscriber(1));
    EXPECT_THAT(matches(tree, "a/b"), ElementsAre(1, 1, 1, 1, 1));
}

TEST(TopicTree, MultiLevelWildcardMatchesItsParent) {
    TopicTree tree;
    tree.insert("sport/tennis/#", subscriber(1));
    tree.insert("sport/+/#", subscriber(2));
    EXPECT_THAT(matches(tree, "sport/tennis"), ElementsAre(1, 2));
    EXPECT_THAT(matches(tree, "sport/tennis/a/b"), ElementsAre(1, 2));
    EXPECT_THAT(matches(tree, "sport"), IsEmpty());
}

TEST(TopicTree, EmptyLevelsCount) {
    TopicTree tree;
    tree.insert("+", subscriber(1));
    tree.insert("/+", subscriber(2));
    tree.insert("+/+", subscriber(3));
    tree.insert("/", subscriber(4));
    tree.insert("//#", subscriber(5));
    EXPECT_THAT(matches(tree, "/finance"), ElementsAre(2, 3));
    EXPECT_THAT(matches(tree, "finance"), ElementsAre(1));
    EXPECT_THAT(matches(tree, "/"), ElementsAre(2, 3, 4, 5));
    EXPECT_THAT(matches(tree, "//"), ElementsAre(5));
}

TEST(TopicTree, LeadingWildcardsDoNotMatchDollarTopics) {  // [MQTT-4.7.2-1]
    TopicTree tree;
    tree.insert("#", subscriber(1));
    tree.insert("+/monitor/Clients", subscriber(2));
    tree.insert("$SYS/#", subscriber(3));
    tree.insert("$SYS/monitor/+", subscriber(4));
    tree.insert("$SYS/monitor/Clients", subscriber(5));
    EXPECT_THAT(matches(tree, "$SYS/monitor/Clients"), ElementsAre(3, 4, 5));
    EXPECT_THAT(matches(tree, "$SYS"), ElementsAre(3));
    EXPECT_THAT(matches(tree, "a/$SYS"), ElementsAre(1));
}

TEST(TopicTree, EraseNamesOneSubscriber) {
    TopicTree tree;
    tree.insert("a/+", subscriber(1));
    tree.insert("a/+", subscriber(2));
    EXPECT_FALSE(tree.erase("a/+", subscriber(3)));
    EXPECT_FALSE(tree.erase("a/b", subscriber(1)));
    EXPECT_FALSE(tree.erase("a/#", subscriber(1)));
    EXPECT_TRUE(tree.erase("a/+", subscriber(1)));
    EXPECT_FALSE(tree.erase("a/+", subscriber(1)));
    EXPECT_THAT(matches(tree, "a/x"), ElementsAre(2));
    EXPECT_EQ(tree.size(), 1U);
}

TEST(TopicTree, GivesAllMemoryBack) {
    TopicTree tree;
    const auto empty = tree.memory();
    std::vector<std::string> filters{"a/b/c", "a/+/c", "a/b/#", "#", "+", "x//+/y", "$SYS/#"};
    for (int i = 0; i < 300; ++i) {
        filters.push_back("one/" + std::to_string(i));
        filters.push_back("+/one/" + std::to_string(i));
    }
    for (std::uintptr_t i = 0; i < 100; ++i) {
        for (const auto& filter : filters) tree.insert(filter, subscriber(i));
    }
    EXPECT_GT(tree.memory(), empty);
    for (std::uintptr_t i = 100; i-- > 0;) {
        for (const auto& filter : filters) EXPECT_TRUE(tree.erase(filter, subscriber(i)));
    }
    EXPECT_EQ(tree.size(), 0U);
    EXPECT_EQ(tree.memory(), empty);
}

TEST(TopicTree, AFilterMayHaveACrowdOfSubscribers) {
    TopicTree tree;
    constexpr std::uintptr_t crowd = 20'000;
    for (std::uintptr_t i = 1; i <= crowd; ++i) tree.insert("all/#", subscriber(i));
    EXPECT_EQ(matches(tree, "all/of/us").size(), crowd);
    for (std::uintptr_t i = 1; i <= crowd; ++i) {
        if (i % 1000 != 0) {
            ASSERT_TRUE(tree.erase("all/#", subscriber(i)));
        }
    }
    EXPECT_EQ(matches(tree, "all").size(), crowd / 1000);
    EXPECT_FALSE(tree.erase("all/#", subscriber(1)));
}

TEST(TopicTree, DepthIsLimitedByMemoryOnly) {
    const std::string deep(60'000, '/');
    TopicTree tree;
    tree.insert(deep + "#", subscriber(1));
    tree.insert("+" + deep, subscriber(2));
    EXPECT_THAT(matches(tree, deep), ElementsAre(1, 2));
}

TEST(TopicTree, MovesAsAWhole) {
    TopicTree tree;
    tree.insert("a", subscriber(1));
    TopicTree other = std::move(tree);
    EXPECT_THAT(matches(other, "a"), ElementsAre(1));
}

class Names {
  public:
    explicit Names(unsigned seed) : random_{seed} {}
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::string topic() {
        std::string text;
        const auto levels = 1 + below(4);
        for (std::size_t i = 0; i < levels; ++i) {
            static constexpr const char* words[] = {"a", "b", "", "$x", "longer-than-eight-bytes"};
            text += (i == 0 ? "" : "/") + std::string{words[below(5)]};
        }
        return text.empty() ? "a" : text;
    }
    std::string filter() {
        auto text = topic();
        for (int i = 0; i < 2; ++i) {
            if (below(2) == 0)
                continue;
            const auto slash = text.rfind('/', below(text.size()));
            const auto from = slash == std::string::npos ? 0 : slash + 1;
            text.replace(from, std::min(text.find('/', from), text.size()) - from, "+");
        }
        if (below(4) == 0)
            text += "/#";
        return below(50) == 0 ? "#" : text;
    }

  private:
    std::mt19937 random_;
};

TEST(TopicTree, AgreesWithTheDefinitionOnRandomNames) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(seed);
        Names names{seed};
        TopicTree tree;
        std::map<std::uintptr_t, std::string> filters;
        std::uintptr_t last = 0;
        for (int step = 0; step < 1'500; ++step) {
            if (filters.size() > 150 || (!filters.empty() && names.below(3) == 0)) {
                const auto victim = std::next(
                    filters.begin(), static_cast<std::ptrdiff_t>(names.below(filters.size())));
                ASSERT_TRUE(tree.erase(victim->second, subscriber(victim->first)))
                    << victim->second;
                filters.erase(victim);
            } else {
                filters.emplace(++last, names.filter());
                ASSERT_TRUE(is_topic_filter(filters.rbegin()->second)) << filters.rbegin()->second;
                tree.insert(filters.rbegin()->second, subscriber(last));
            }
            const auto topic = names.topic();
            std::vector<std::uintptr_t> expected;
            for (const auto& [number, filter] : filters) {
                if (filter_matches(filter, topic))
                    expected.push_back(number);
            }
            ASSERT_EQ(matches(tree, topic), expected) << topic;
            ASSERT_EQ(tree.size(), filters.size());
        }
    }
}

}  // namespace
}  // namespace keepmq::broker
