// Read positions of one-to-many messages.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/testing/backend_contract.hpp"
#include "store/testing/contract_parts.hpp"

namespace keepmq::store::testing {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void keep_contract_cursors() {}

TEST_P(BackendContract, WithoutAPositionEverythingIsFetched) {
    store("t", "1");
    store("t", "2");
    EXPECT_THAT(fetch("c", "t"), ElementsAre("1", "2"));
}

TEST_P(BackendContract, InitEarliestStandsBeforeTheFirstMessage) {
    store("t", "1");
    init("c", "t", FetchFrom::earliest);
    store("t", "2");
    EXPECT_THAT(fetch("c", "t"), ElementsAre("1", "2"));
}

TEST_P(BackendContract, InitLatestStandsAfterTheNewestMessage) {
    store("t", "1");
    store("other", "o");
    init("c", "t", FetchFrom::latest);
    store("t", "2");
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
    EXPECT_THAT(fetch("c", "other"), ElementsAre("o"));
}

TEST_P(BackendContract, InitLatestWithNothingStoredMissesNothingLater) {
    init("c", "t", FetchFrom::latest);
    store("t", "1");
    EXPECT_THAT(fetch("c", "t"), ElementsAre("1"));
}

TEST_P(BackendContract, InitSeesTheMessagesOfItsOwnBatch) {
    write({StoreMessage{message("t", "1"), Keep::all, {}},
           InitCursor{ClientId{"c"}, TopicFilter{"t"}, FetchFrom::latest, tick()},
           StoreMessage{message("t", "2"), Keep::all, {}}});
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
}

TEST_P(BackendContract, ASecondInitChangesNothing) {
    store("t", "1");
    if (can_.records_earliest) {
        init("c", "t", FetchFrom::earliest);
        init("c", "t", FetchFrom::latest);
        EXPECT_THAT(fetch("c", "t"), ElementsAre("1"));
    }
    init("d", "t", FetchFrom::latest);
    init("d", "t", FetchFrom::earliest);
    EXPECT_THAT(fetch("d", "t"), IsEmpty());
}

TEST_P(BackendContract, AWildcardFilterStartsAtTheNewestOfAllTopics) {
    for (const FetchFrom from : {FetchFrom::earliest, FetchFrom::latest}) {
        const std::string client = from == FetchFrom::earliest ? "c1" : "c2";
        store("w/a", "before");
        store("elsewhere", "e");
        init(client, "w/#", from);
        EXPECT_THAT(fetch(client, "w/#"), IsEmpty());
        store("w/a", client + " 1");
        store("w/b", client + " 2");
        EXPECT_THAT(fetch(client, "w/#"), ElementsAre(client + " 1", client + " 2"));
    }
}

TEST_P(BackendContract, AWildcardFilterWithNothingStoredMissesNothingLater) {
    init("c", "+/x");
    store("a/x", "1");
    EXPECT_THAT(fetch("c", "+/x"), ElementsAre("1"));
}

TEST_P(BackendContract, AWildcardFetchHeedsThePositionOfEachTopic) {
    init("c", "w/+");
    const auto a1 = store("w/a", "a1");
    store("w/b", "b1");
    store("w/a", "a2");
    advance("c", a1);
    EXPECT_THAT(fetch("c", "w/+"), ElementsAre("b1", "a2"));
    // The topic's position counts, but not that of another client or filter.
    advance("d", store("w/b", "b2"));
    EXPECT_THAT(fetch("c", "w/+"), ElementsAre("b1", "a2", "b2"));
    EXPECT_THAT(fetch("c", "w/a"), ElementsAre("a2"));
}

TEST_P(BackendContract, AdvanceMovesThePosition) {
    init("c", "t");
    store("t", "1");
    const auto second = store("t", "2");
    store("t", "3");
    advance("c", second);
    EXPECT_THAT(fetch("c", "t"), ElementsAre("3"));
    EXPECT_THAT(fetch("other", "t"), ElementsAre("1", "2", "3"));
}

TEST_P(BackendContract, AdvanceNeverGoesBack) {
    const auto first = store("t", "1");
    const auto second = store("t", "2");
    store("t", "3");
    advance("c", second);
    advance("c", first);
    EXPECT_THAT(fetch("c", "t"), ElementsAre("3"));
    write({AdvanceCursor{ClientId{"d"}, second->topic, second->id, tick()},
           AdvanceCursor{ClientId{"d"}, first->topic, first->id, tick()}});
    EXPECT_THAT(fetch("d", "t"), ElementsAre("3"));
}

TEST_P(BackendContract, AdvanceCreatesThePosition) {
    const auto first = store("t", "1");
    store("t", "2");
    advance("c", first);
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
    init("c", "t", FetchFrom::latest);
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
}

TEST_P(BackendContract, AdvanceToAMessageThatIsNotStoredDoesNothing) {
    const auto first = store("t", "1");
    store("t", "2");
    const auto never_stored = message("t", "x");
    advance("none", never_stored);
    EXPECT_THAT(fetch("none", "t"), ElementsAre("1", "2"));
    advance("c", first);
    advance("c", never_stored);
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
    // It did not become a position that a later InitCursor would find.
    init("none", "t", FetchFrom::latest);
    EXPECT_THAT(fetch("none", "t"), IsEmpty());
}

TEST_P(BackendContract, AdvanceFindsAMessageOfItsOwnBatch) {
    const auto first = message("t", "1");
    write({StoreMessage{first, Keep::all, {}},
           AdvanceCursor{ClientId{"c"}, first->topic, first->id, tick()},
           StoreMessage{message("t", "2"), Keep::all, {}}});
    EXPECT_THAT(fetch("c", "t"), ElementsAre("2"));
}

TEST_P(BackendContract, DeleteForgetsOnePosition) {
    const auto first = store("t", "1");
    const auto other = store("u", "2");
    advance("c", first);
    advance("c", other);
    advance("d", first);
    write({DeleteCursor{ClientId{"c"}, TopicFilter{"t"}}});
    EXPECT_THAT(fetch("c", "t"), ElementsAre("1"));
    EXPECT_THAT(fetch("c", "u"), IsEmpty());
    EXPECT_THAT(fetch("d", "t"), IsEmpty());
    write({DeleteCursor{ClientId{"nobody"}, TopicFilter{"t"}}});
}

TEST_P(BackendContract, AfterADeleteAnInitStartsAnew) {
    store("w/a", "1");
    init("c", "w/#");
    store("w/a", "2");
    write({DeleteCursor{ClientId{"c"}, TopicFilter{"w/#"}},
           InitCursor{ClientId{"c"}, TopicFilter{"w/#"}, FetchFrom::latest, tick()}});
    EXPECT_THAT(fetch("c", "w/#"), IsEmpty());
    store("w/a", "3");
    EXPECT_THAT(fetch("c", "w/#"), ElementsAre("3"));
}

}  // namespace keepmq::store::testing
