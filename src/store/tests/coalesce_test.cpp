#include "store/coalesce.hpp"

#include <gmock/gmock.h>

#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAre;

Op delete_op(std::string_view client) {
    return DeleteCursor{ClientId{client}, TopicFilter{"t"}};
}

/// `client:number` of each advance, else the name of the operation.
std::vector<std::string> coalesced(const std::vector<Op>& ops) {
    std::vector<const Op*> batch;
    for (const Op& op : ops) batch.push_back(&op);
    coalesce(batch);
    std::vector<std::string> names;
    for (const Op* op : batch)
        if (const auto* advance = std::get_if<AdvanceCursor>(op))
            names.push_back(advance->client.str() + ':' + std::to_string(advance->id.high()));
        else
            names.emplace_back(name_of(*op));
    return names;
}

TEST(Coalesce, KeepsTheNewestAtThePlaceOfTheLast) {
    EXPECT_THAT(coalesced({advance_op("c", 1),
                           store_op(9),
                           advance_op("c", 3),
                           store_op(10),
                           advance_op("c", 2)}),
                ElementsAre("store_message", "store_message", "c:3"));
}

TEST(Coalesce, KeepsClientsAndTopicsApart) {
    EXPECT_THAT(
        coalesced({advance_op("c", 1, "t"), advance_op("d", 1, "t"), advance_op("c", 2, "u")}),
        ElementsAre("c:1", "d:1", "c:2"));
    EXPECT_THAT(coalesced({advance_op("ab", 1, "c"), advance_op("a", 2, "bc")}),
                ElementsAre("ab:1", "a:2"));
}

TEST(Coalesce, DoesNotReachOverWhatCreatesOrDeletesPositions) {
    EXPECT_THAT(
        coalesced({advance_op("c", 5), delete_op("c"), advance_op("c", 3), advance_op("c", 4)}),
        ElementsAre("c:5", "delete_cursor", "c:4"));
    const Op init = InitCursor{ClientId{"c"}, TopicFilter{"t"}, FetchFrom::latest, WallTime{}};
    EXPECT_THAT(coalesced({advance_op("c", 1), init, advance_op("c", 2)}),
                ElementsAre("c:1", "init_cursor", "c:2"));
    const Op user = Execute{std::make_shared<Statements>(), {}};
    EXPECT_THAT(coalesced({advance_op("c", 1), user, advance_op("c", 2)}),
                ElementsAre("c:1", "execute", "c:2"));
}

TEST(Coalesce, LeavesOtherBatchesAlone) {
    EXPECT_THAT(coalesced({}), ElementsAre());
    EXPECT_THAT(coalesced({advance_op("c", 1), store_op(1)}), ElementsAre("c:1", "store_message"));
}

}  // namespace
}  // namespace keepmq::store::testing
