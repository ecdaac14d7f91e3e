// Pages, filters and modes of FetchMessages.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "store/testing/backend_contract.hpp"
#include "store/testing/contract_parts.hpp"

namespace keepmq::store::testing {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

void keep_contract_fetch() {}

namespace {

FetchMessages query_for(std::string_view filter, FetchMode mode = FetchMode::queue) {
    FetchMessages query;
    query.client = ClientId{"c"};
    query.filter = TopicFilter{filter};
    query.mode = mode;
    return query;
}

constexpr FetchMode all_modes[] = {FetchMode::after_cursor, FetchMode::queue, FetchMode::latest};

}  // namespace

TEST_P(BackendContract, AnEmptyStoreGivesAnEmptyPage) {
    for (const FetchMode mode : all_modes)
        for (const char* filter : {"t", "t/#", "+", "#", "+/+"})
            EXPECT_THAT(fetch("c", filter, mode), IsEmpty());
}

TEST_P(BackendContract, PagesHoldAtMostTheLimitAndLoseNothing) {
    std::vector<std::string> expected;
    std::vector<Op> ops;
    for (int i = 0; i < 23; ++i) {
        expected.push_back(std::to_string(i));
        ops.emplace_back(StoreMessage{message("page/a", expected.back()), Keep::all, {}});
        ops.emplace_back(StoreMessage{message("noise", "n"), Keep::all, {}});
    }
    write(std::move(ops));
    for (const FetchMode mode : {FetchMode::after_cursor, FetchMode::queue})
        for (const char* filter : {"page/a", "page/+", "page/#", "+/a"})
            for (const std::size_t limit : {1U, 2U, 5U, 22U, 23U, 24U, 1000U}) {
                SCOPED_TRACE(std::string{filter} + " limit " + std::to_string(limit));
                auto query = query_for(filter, mode);
                query.limit = limit;
                EXPECT_EQ(payloads(fetch_all(query)), expected);
            }
}

TEST_P(BackendContract, MessagesStoredWhilePagingNeitherRepeatNorHideOthers) {
    for (const char* text : {"1", "2", "3"}) store("t", text);
    auto query = query_for("t", FetchMode::after_cursor);
    query.limit = 2;
    const Reply reply = ask(query);
    const auto* first = std::get_if<MessagePage>(&reply);
    ASSERT_TRUE(first != nullptr && first->next);
    EXPECT_THAT(payloads(first->messages), ElementsAre("1", "2"));
    // Also when what was delivered is acknowledged in between.
    advance("c", first->messages.back());
    store("t", "4");
    query.after = first->next;
    EXPECT_THAT(payloads(fetch_all(query)), ElementsAre("3", "4"));
}

TEST_P(BackendContract, RemovingFetchedMessagesDoesNotDisturbPaging) {
    for (const char* text : {"1", "2", "3", "4"}) store("t", text);
    auto query = query_for("t");
    query.limit = 2;
    const Reply reply = ask(query);
    const auto* first = std::get_if<MessagePage>(&reply);
    ASSERT_TRUE(first != nullptr && first->next);
    for (const MessagePtr& one : first->messages) write({RemoveMessage{one->topic, one->id}});
    query.after = first->next;
    EXPECT_THAT(payloads(fetch_all(query)), ElementsAre("3", "4"));
}

TEST_P(BackendContract, FiltersMatchExactly) {
    const char* const topics[] = {"a",
                                  "a/",
                                  "a/b",
                                  "a/b/c",
                                  "a/x/c",
                                  "ab",
                                  "ab/c",
                                  "A/b",
                                  "$SYS/x",
                                  "/a",
                                  "a%/b",
                                  "a_/b",
                                  "a/$x",
                                  "b/b/c"};
    std::vector<Op> ops;
    for (const char* topic : topics)
        ops.emplace_back(StoreMessage{message(topic, topic), Keep::all, {}});
    write(std::move(ops));

    const auto found = [&](std::string_view filter) {
        auto all = fetch("c", filter, FetchMode::queue);
        std::ranges::sort(all);
        return all;
    };
    EXPECT_THAT(found("a/#"), ElementsAre("a", "a/", "a/$x", "a/b", "a/b/c", "a/x/c"));
    EXPECT_THAT(found("a/+"), ElementsAre("a/", "a/$x", "a/b"));
    EXPECT_THAT(found("a/+/c"), ElementsAre("a/b/c", "a/x/c"));
    EXPECT_THAT(found("+/b/c"), ElementsAre("a/b/c", "b/b/c"));
    EXPECT_THAT(found("+/b"), ElementsAre("A/b", "a%/b", "a/b", "a_/b"));
    EXPECT_THAT(found("+"), ElementsAre("a", "ab"));
    EXPECT_THAT(found("/+"), ElementsAre("/a"));
    EXPECT_THAT(found("+/a"), ElementsAre("/a"));
    EXPECT_THAT(found("a_/#"), ElementsAre("a_/b"));
    EXPECT_THAT(found("a%/+"), ElementsAre("a%/b"));
    EXPECT_THAT(found("+/x"), IsEmpty());
    EXPECT_THAT(found("$SYS/#"), ElementsAre("$SYS/x"));
    EXPECT_THAT(found("$SYS/x"), ElementsAre("$SYS/x"));
    EXPECT_THAT(found("zzz/#"), IsEmpty());
    EXPECT_THAT(found("#"),
                ElementsAre("/a",
                            "A/b",
                            "a",
                            "a%/b",
                            "a/",
                            "a/$x",
                            "a/b",
                            "a/b/c",
                            "a/x/c",
                            "a_/b",
                            "ab",
                            "ab/c",
                            "b/b/c"));
}

TEST_P(BackendContract, WildcardFetchesKeepTheOrderOfTheStore) {
    std::vector<std::string> expected;
    for (int i = 0; i < 30; ++i) {
        expected.push_back(std::to_string(100 + i));
        store("w/" + std::to_string((i * 7) % 5), expected.back());
    }
    auto query = query_for("w/+", FetchMode::after_cursor);
    query.limit = 4;
    const auto all = fetch_all(query);
    if (can_.order_across_topics) {
        EXPECT_EQ(payloads(all), expected);
        return;
    }
    EXPECT_THAT(payloads(all), ::testing::UnorderedElementsAreArray(expected));
    for (int topic = 0; topic < 5; ++topic) {
        std::vector<std::string> of_topic;
        for (const MessagePtr& one : all)
            if (one->topic.str() == "w/" + std::to_string(topic))
                of_topic.push_back(one->payload);
        EXPECT_TRUE(std::ranges::is_sorted(of_topic));
    }
}

TEST_P(BackendContract, LeavesOutWhatIsOlderThanNotBefore) {
    store("t", "1");
    const auto second = store("t", "2");
    store("t", "3");
    for (const FetchMode mode : {FetchMode::after_cursor, FetchMode::queue})
        for (const char* filter : {"t", "+"}) {
            auto query = query_for(filter, mode);
            query.not_before = second->at;
            if (!can_.sub_second_time)
                query.not_before = std::chrono::floor<std::chrono::seconds>(second->at);
            query.limit = 1;
            EXPECT_THAT(payloads(fetch_all(query)), ElementsAre("2", "3"));
            query.not_before = second->at + std::chrono::hours{1};
            EXPECT_THAT(payloads(fetch_all(query)), IsEmpty());
        }
}

TEST_P(BackendContract, QueueModeDoesNotHeedPositions) {
    store("q", "1");
    advance("c", store("q", "2"));
    EXPECT_THAT(fetch("c", "q", FetchMode::queue), ElementsAre("1", "2"));
    EXPECT_THAT(fetch("c", "+", FetchMode::queue), ElementsAre("1", "2"));
}

TEST_P(BackendContract, LatestModeGivesTheNewestOfEachTopicBeyondThePosition) {
    store("l/a", "a1");
    const auto a2 = store("l/a", "a2");
    store("l/b", "b1");
    EXPECT_THAT(fetch("c", "l/a", FetchMode::latest), ElementsAre("a2"));
    EXPECT_THAT(fetch("c", "l/+", FetchMode::latest), UnorderedElementsAre("a2", "b1"));
    advance("c", a2);
    EXPECT_THAT(fetch("c", "l/a", FetchMode::latest), IsEmpty());
    EXPECT_THAT(fetch("c", "l/+", FetchMode::latest), ElementsAre("b1"));
    store("l/a", "a3");
    EXPECT_THAT(fetch("c", "l/a", FetchMode::latest), ElementsAre("a3"));
}

TEST_P(BackendContract, LatestModePages) {
    std::vector<std::string> expected;
    for (int i = 0; i < 7; ++i) {
        const std::string topic = "l/" + std::to_string(i);
        store(topic, "old");
        expected.push_back("new " + std::to_string(i));
        store(topic, expected.back());
    }
    auto query = query_for("l/#", FetchMode::latest);
    query.limit = 2;
    EXPECT_THAT(payloads(fetch_all(query)), ::testing::UnorderedElementsAreArray(expected));
}

}  // namespace keepmq::store::testing
