// Presence, retained messages, provisioned subscriptions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "store/testing/backend_contract.hpp"
#include "store/testing/contract_parts.hpp"

namespace keepmq::store::testing {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void keep_contract_state() {}

// --- presence -----------------------------------------------------------------------------------

TEST_P(BackendContract, RecordsOnlineAndOffline) {
    if (!can_.reads_presence)
        GTEST_SKIP();
    for (const char* name : {"c", "it's \"x\"", "C", "käse"}) {
        SCOPED_TRACE(name);
        if (name == std::string_view{"C"} && !can_.case_sensitive_keys)
            continue;
        const ClientId client{name};
        EXPECT_FALSE(subject_->presence(client));
        const WallTime up = tick();
        write({ClientOnline{client, "node1", up}});
        auto row = subject_->presence(client);
        ASSERT_TRUE(row);
        EXPECT_TRUE(row->online);
        EXPECT_EQ(row->node, "node1");
        expect_same(up, row->online_at);
        EXPECT_FALSE(row->offline_at);

        const WallTime down = tick();
        write({ClientOffline{client, "node1", down, up}});
        row = subject_->presence(client);
        ASSERT_TRUE(row);
        EXPECT_FALSE(row->online);
        expect_same(up, row->online_at);
        expect_same(down, row->offline_at);
    }
}

TEST_P(BackendContract, OnlineAgainClearsTheOfflineTimeAndKeepsCreated) {
    if (!can_.reads_presence)
        GTEST_SKIP();
    const ClientId client{"c"};
    const WallTime first = tick();
    write({ClientOnline{client, "node1", first}, ClientOffline{client, "node1", tick(), first}});
    const WallTime second = tick();
    write({ClientOnline{client, "node2", second}});
    const auto row = subject_->presence(client);
    ASSERT_TRUE(row);
    EXPECT_TRUE(row->online);
    EXPECT_EQ(row->node, "node2");
    expect_same(second, row->online_at);
    EXPECT_FALSE(row->offline_at);
    if (can_.keeps_created)
        expect_same(first, row->created);
}

TEST_P(BackendContract, ALateOfflineDoesNotOverwriteANewerConnect) {
    if (!can_.reads_presence)
        GTEST_SKIP();
    const ClientId client{"c"};
    const WallTime first = tick();
    const WallTime second = tick();
    write({ClientOnline{client, "node1", first}, ClientOnline{client, "node2", second}});
    write({ClientOffline{client, "node1", tick(), first}});
    auto row = subject_->presence(client);
    ASSERT_TRUE(row);
    EXPECT_TRUE(row->online);
    EXPECT_EQ(row->node, "node2");
    EXPECT_FALSE(row->offline_at);

    write({ClientOffline{client, "node2", tick(), second}});
    row = subject_->presence(client);
    ASSERT_TRUE(row);
    EXPECT_FALSE(row->online);
}

TEST_P(BackendContract, WritesTheSameClientTwiceInOneBatch) {
    if (!can_.reads_presence)
        GTEST_SKIP();
    const ClientId client{"c"};
    const WallTime first = tick();
    const WallTime second = tick();
    write({ClientOnline{client, "n", first},
           ClientOffline{client, "n", tick(), first},
           ClientOnline{client, "n", second},
           ClientOnline{ClientId{"d"}, "n", second},
           ClientOffline{client, "n", tick(), first}});
    const auto row = subject_->presence(client);
    ASSERT_TRUE(row);
    EXPECT_TRUE(row->online);
    expect_same(second, row->online_at);
}

// --- retained messages --------------------------------------------------------------------------

TEST_P(BackendContract, ReturnsEveryFieldOfARetainedMessage) {
    auto made = draft("r/a", holdable(std::string("\0'\xff", 3)));
    made->qos = Qos::exactly_once;
    made->retain = true;
    write({StoreRetained{made, {}}});
    for (const char* filter : {"r/a", "r/+"}) {
        const Reply reply = ask(LookupRetained{TopicFilter{filter}});
        const auto* page = std::get_if<MessagePage>(&reply);
        ASSERT_TRUE(page != nullptr);
        ASSERT_EQ(page->messages.size(), 1U);
        expect_same(*made, page->messages[0]);
    }
}

TEST_P(BackendContract, TheNewestRetainedMessageWins) {
    const auto older = message("r", "older");
    const auto newer = message("r", "newer");
    write({StoreRetained{older, {}}});
    EXPECT_THAT(retained("r"), ElementsAre("older"));
    write({StoreRetained{newer, {}}});
    EXPECT_THAT(retained("r"), ElementsAre("newer"));
    write({StoreRetained{older, {}}});
    EXPECT_THAT(retained("r"), ElementsAre("newer"));
    write({StoreRetained{newer, {}}}, Attempt::after_unknown_outcome);
    EXPECT_THAT(retained("r"), ElementsAre("newer"));
}

TEST_P(BackendContract, TheNewestRetainedMessageOfABatchWins) {
    const auto first = message("r", "1");
    const auto second = message("r", "2");
    const auto third = message("r", "3");
    write({StoreRetained{second, {}}, StoreRetained{first, {}}, StoreRetained{third, {}}});
    EXPECT_THAT(retained("r"), ElementsAre("3"));
}

TEST_P(BackendContract, DeletesARetainedMessage) {
    write({StoreRetained{message("r/a", "a"), {}}, StoreRetained{message("r/b", "b"), {}}});
    write({DeleteRetained{TopicName{"r/a"}}, DeleteRetained{TopicName{"r/none"}}});
    EXPECT_THAT(retained("r/#"), ElementsAre("b"));
    write({StoreRetained{message("r/a", "again"), {}}});
    EXPECT_THAT(retained("r/a"), ElementsAre("again"));
}

TEST_P(BackendContract, LooksRetainedMessagesUpByFilter) {
    if (!can_.case_sensitive_keys)
        GTEST_SKIP();
    for (const char* topic : {"r", "r/a", "r/a/x", "r/b/x", "R/a", "rr", "$r/a", "r%/a"})
        write({StoreRetained{message(topic, topic), {}}});
    EXPECT_THAT(retained("r/a"), ElementsAre("r/a"));
    EXPECT_THAT(retained("r/#"), ElementsAre("r", "r/a", "r/a/x", "r/b/x"));
    EXPECT_THAT(retained("r/+"), ElementsAre("r/a"));
    EXPECT_THAT(retained("r/+/x"), ElementsAre("r/a/x", "r/b/x"));
    EXPECT_THAT(retained("+/a"), ElementsAre("R/a", "r%/a", "r/a"));
    EXPECT_THAT(retained("$r/#"), ElementsAre("$r/a"));
    EXPECT_THAT(retained("none"), IsEmpty());
    EXPECT_THAT(retained("#"), ElementsAre("R/a", "r", "r%/a", "r/a", "r/a/x", "r/b/x", "rr"));
}

TEST_P(BackendContract, RetainedAndStoredMessagesAreApart) {
    const auto made = message("both", "m");
    write({StoreMessage{made, Keep::all, {}}, StoreRetained{made, {}}});
    write({DeleteRetained{made->topic}});
    EXPECT_THAT(retained("both"), IsEmpty());
    EXPECT_THAT(fetch("c", "both"), ElementsAre("m"));
}

// --- subscriptions ------------------------------------------------------------------------------

TEST_P(BackendContract, LooksUpProvisionedSubscriptions) {
    subject_->provision_subscription(ClientId{"c"}, TopicFilter{"a/+"}, 0);
    subject_->provision_subscription(ClientId{"c"}, TopicFilter{"it's/#"}, 2);
    subject_->provision_subscription(ClientId{"C"}, TopicFilter{"other"}, 1);
    auto found = subscriptions("c");
    std::ranges::sort(found, {}, &StoredSubscription::filter);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].filter.str(), "a/+");
    EXPECT_EQ(found[0].qos, 0);
    EXPECT_EQ(found[1].filter.str(), "it's/#");
    EXPECT_EQ(found[1].qos, 2);
    EXPECT_THAT(subscriptions("nobody"), IsEmpty());
    EXPECT_EQ(subscriptions("C").size(), 1U);
}

}  // namespace keepmq::store::testing
