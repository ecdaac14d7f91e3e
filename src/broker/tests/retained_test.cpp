#include "broker/retained.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WallTime start{std::chrono::seconds{1'000'000}};

MessagePtr message(std::string topic, std::uint64_t id, std::optional<std::uint32_t> expiry = {}) {
    auto made = std::make_shared<Message>();
    made->topic = TopicName{std::move(topic)};
    made->id = MessageId{id, 0};
    made->at = start;
    if (expiry) {
        auto properties = std::make_unique<MessageProperties>();
        properties->message_expiry_interval = expiry;
        made->properties = std::move(properties);
    }
    return made;
}

std::vector<std::string> topics(const Retained& retained,
                                std::string_view filter,
                                WallTime now = start) {
    std::vector<std::string> found;
    retained.match(filter, now, [&](const MessagePtr& m) {
        found.push_back(m->topic.str());
        return true;
    });
    return found;
}

TEST(Retained, KeepsOnePerTopicAndTheNewerIdWins) {
    Retained retained;
    EXPECT_TRUE(retained.keep(message("a", 2), 0));
    EXPECT_TRUE(retained.keep(message("a", 3), 0));
    EXPECT_TRUE(retained.keep(message("a", 1), 0));
    ASSERT_TRUE(retained.find("a"));
    EXPECT_EQ(retained.find("a")->id, (MessageId{3, 0}));
    EXPECT_EQ(retained.size(), 1U);
}

TEST(Retained, EraseTellsWhetherThereWasOne) {
    Retained retained;
    retained.keep(message("a", 1), 0);
    EXPECT_FALSE(retained.erase("b"));
    EXPECT_TRUE(retained.erase("a"));
    EXPECT_FALSE(retained.erase("a"));
    EXPECT_EQ(retained.find("a"), nullptr);
    EXPECT_THAT(topics(retained, "#"), IsEmpty());
}

TEST(Retained, TheLimitCountsTopics) {
    Retained retained;
    EXPECT_TRUE(retained.keep(message("a", 1), 1));
    EXPECT_FALSE(retained.keep(message("b", 2), 1));
    EXPECT_TRUE(retained.keep(message("a", 3), 1));
    EXPECT_TRUE(retained.keep(message("b", 2), 2));
}

TEST(Retained, MatchesInTopicOrder) {
    Retained retained;
    std::uint64_t id = 0;
    for (const auto* topic : {"a/c", "a", "a/b", "b", "a-b", "a/b/c", "$SYS/a", "a/b-x/c", "/a"})
        retained.keep(message(topic, ++id), 0);
    EXPECT_THAT(topics(retained, "#"),
                ElementsAre("/a", "a", "a-b", "a/b", "a/b-x/c", "a/b/c", "a/c", "b"));
    EXPECT_THAT(topics(retained, "a/#"), ElementsAre("a", "a/b", "a/b-x/c", "a/b/c", "a/c"));
    EXPECT_THAT(topics(retained, "a/+"), ElementsAre("a/b", "a/c"));
    EXPECT_THAT(topics(retained, "+/+/c"), ElementsAre("a/b-x/c", "a/b/c"));
    EXPECT_THAT(topics(retained, "a/b"), ElementsAre("a/b"));
    EXPECT_THAT(topics(retained, "$SYS/#"), ElementsAre("$SYS/a"));
    EXPECT_THAT(topics(retained, "+"), ElementsAre("a", "a-b", "b"));
}

TEST(Retained, AVisitorMayStop) {
    Retained retained;
    retained.keep(message("a", 1), 0);
    retained.keep(message("b", 2), 0);
    int visits = 0;
    retained.match("+", start, [&](const MessagePtr&) { return ++visits < 1; });
    EXPECT_EQ(visits, 1);
}

TEST(Retained, ExpiredOnesAreNotFoundByFilterAndGoAway) {
    Retained retained;
    retained.keep(message("a", 1, 10), 0);
    retained.keep(message("b", 2, 20), 0);
    retained.keep(message("c", 3), 0);
    const auto later = start + std::chrono::seconds{10};
    EXPECT_THAT(topics(retained, "+", start + std::chrono::seconds{9}), ElementsAre("a", "b", "c"));
    EXPECT_THAT(topics(retained, "+", later), ElementsAre("b", "c"));
    EXPECT_THAT(topics(retained, "a", later), IsEmpty());
    EXPECT_EQ(retained.expire(later, 100), 1U);
    EXPECT_EQ(retained.size(), 2U);
    EXPECT_EQ(retained.expire(later, 100), 0U);
}

TEST(Retained, ANewerMessageBringsItsOwnExpiry) {
    Retained retained;
    retained.keep(message("a", 1, 10), 0);
    retained.keep(message("a", 2), 0);
    EXPECT_EQ(retained.expire(start + std::chrono::seconds{100}, 100), 0U);
    retained.keep(message("a", 3, 50), 0);
    EXPECT_EQ(retained.expire(start + std::chrono::seconds{49}, 100), 0U);
    EXPECT_EQ(retained.expire(start + std::chrono::seconds{50}, 100), 1U);
}

TEST(Retained, ExpiryWorksInPortions) {
    Retained retained;
    for (std::uint64_t i = 0; i < 25; ++i) retained.keep(message(std::to_string(i), i, 1), 0);
    const auto later = start + std::chrono::seconds{2};
    EXPECT_EQ(retained.expire(later, 10), 10U);
    EXPECT_EQ(retained.expire(later, 10), 10U);
    EXPECT_EQ(retained.expire(later, 10), 5U);
    EXPECT_EQ(retained.size(), 0U);
}

TEST(Retained, AgreesWithTheDefinitionOnRandomNames) {
    static constexpr const char* words[] = {"a", "b", "", "$x", "b-", "b0", "zz", "\xC3\xA4"};
    for (unsigned seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        const auto name = [&] {
            std::string text;
            const auto levels = 1 + random() % 4;
            for (std::size_t i = 0; i < levels; ++i)
                text += (i == 0 ? "" : "/") + std::string{words[random() % 8]};
            return text.empty() ? std::string{"a"} : text;
        };
        Retained retained;
        std::map<std::string, std::uint64_t> naive;
        for (std::uint64_t step = 1; step <= 1'000; ++step) {
            const auto topic = name();
            if (random() % 4 == 0) {
                EXPECT_EQ(retained.erase(topic), naive.erase(topic) == 1);
            } else {
                EXPECT_TRUE(retained.keep(message(topic, step), 0));
                naive[topic] = step;
            }
            std::string filter = name();
            for (int i = 0; i < 2; ++i) {
                const auto slash = filter.rfind('/', random() % filter.size());
                const auto from = slash == std::string::npos ? 0 : slash + 1;
                if (random() % 2 == 0)
                    filter.replace(
                        from, std::min(filter.find('/', from), filter.size()) - from, "+");
            }
            filter += random() % 4 == 0 ? "/#" : "";
            ASSERT_TRUE(is_topic_filter(filter)) << filter;
            std::vector<std::string> expected;
            for (const auto& [known, id] : naive) {
                if (filter_matches(filter, known))
                    expected.push_back(known);
            }
            ASSERT_EQ(topics(retained, filter), expected) << filter;
        }
    }
}

}  // namespace
}  // namespace keepmq::broker
