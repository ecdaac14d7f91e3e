// What a contract test does not show: how many statements a page takes, and how pages go on.

#include "sql/fetch.hpp"

#include <gmock/gmock.h>

#include "sql/tests/support.hpp"

namespace keepmq::sql::test {
namespace {

using store::errc;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class Fetch : public testing::Test {
  protected:
    MessagePage page(const FetchMessages& query) {
        const auto result = answer(database_, layout_, query);
        EXPECT_TRUE(std::holds_alternative<store::Reply>(result));
        return std::get<MessagePage>(std::get<store::Reply>(result));
    }
    static FetchMessages query(std::string_view filter, std::string_view after = {}) {
        FetchMessages out{ClientId{"c"}, TopicFilter{filter}};
        out.limit = 1;
        if (!after.empty())
            out.after = store::Position{std::string{after}};
        return out;
    }

    /// Rows of ours: id and topic.
    void will_find(std::initializer_list<std::pair<const char*, const char*>> rows) {
        Rows out{9};
        for (const auto& [id, topic] : rows) {
            for (const auto* cell :
                 {id, "2l7rj6rwwn1D0MS1S6eF", topic, "s", "1", "0", "p", "2023-11-14 22:13:20"})
                out.add(cell);
            out.add({});
        }
        database_.will_answer(std::move(out));
    }

    ScriptedDatabase database_;
    Layout layout_;
};

TEST_F(Fetch, OneTopicTakesOneStatementForAPage) {
    will_find({{"5", "t"}, {"9", "t"}});
    const auto first = page(query("t"));
    EXPECT_THAT(first.messages, SizeIs(1));
    EXPECT_EQ("5", first.next->token);
    EXPECT_FALSE(page(query("t", "5")).next);
    EXPECT_THAT(database_.asked, SizeIs(2));
}

TEST_F(Fetch, RowsOfOtherProgramsAreKnownByTheirRow) {
    database_.will_answer(
        9, {"7", "uuid", "t", nullptr, "9", nullptr, nullptr, "2023-11-14 22:13:20.5", nullptr});
    const auto found = page(query("t")).messages;
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(7, row_of(found[0]->id));
    EXPECT_EQ(Qos::exactly_once, found[0]->qos);
    EXPECT_FALSE(found[0]->retain);
    EXPECT_TRUE(found[0]->payload.empty());
}

TEST_F(Fetch, WildcardWithNothingUnreadIsOneStatement) {
    database_.will_answer(2, {nullptr, "1"});
    const auto found = page(query("a/#"));
    EXPECT_THAT(found.messages, IsEmpty());
    EXPECT_FALSE(found.next);
    EXPECT_THAT(database_.asked, ElementsAre(HasSubstr("with recursive")));
}

TEST_F(Fetch, WildcardStartsAtTheFirstUnreadRowAndGoesOnInWindows) {
    database_.will_answer(2, {"100", "1"});
    will_find({{"100", "a/b"}, {"120", "a/b"}});
    EXPECT_EQ("100", page(query("a/#")).next->token);
    // The window holds nothing more; the next row is far away.
    will_find({});
    database_.will_answer(1, {"500000"});
    const auto empty = page(query("a/#", "100"));
    EXPECT_THAT(empty.messages, IsEmpty());
    EXPECT_EQ("499999", empty.next->token);
    will_find({});
    database_.will_answer(1, {nullptr});
    EXPECT_FALSE(page(query("a/#", "499999")).next);
}

TEST_F(Fetch, RowsThatOnlyLookLikeTheFilterMakeAShortPage) {
    will_find({{"5", "a/b/c"}, {"6", "a/b"}});
    const auto found = page(query("a/+", "1"));
    EXPECT_THAT(found.messages, IsEmpty());
    EXPECT_EQ("5", found.next->token);
}

TEST_F(Fetch, TooManyTopicsToVisitAreReadFromTheStart) {
    database_.will_answer(2, {"100", "0"});
    will_find({{"1", "a/b"}, {"2", "a/b"}});
    EXPECT_EQ("1", page(query("a/#")).next->token);
}

TEST_F(Fetch, WithoutAnIndexOneTopicIsReadInWindowsToo) {
    layout_.topic_index = false;
    will_find({});
    database_.will_answer(1, {"30000"});
    EXPECT_EQ("29999", page(query("t")).next->token);
    will_find({});
    EXPECT_FALSE(page(query("t/#")).next);
    EXPECT_THAT(database_.asked, testing::Each(Not(HasSubstr("recursive"))));
}

TEST_F(Fetch, QueueLooksAtNoPosition) {
    auto queue = query("a/#");
    queue.mode = FetchMode::queue;
    (void)page(queue);
    queue.filter = TopicFilter{"a"};
    (void)page(queue);
    EXPECT_THAT(database_.asked, testing::Each(Not(HasSubstr("mqtt_acked"))));
}

TEST_F(Fetch, FailureOfAnyStatementIsTheAnswer) {
    for (const auto* filter : {"a", "a/#"}) {
        database_.will_fail(errc::timed_out);
        const auto result = answer(database_, layout_, query(filter));
        ASSERT_TRUE(std::holds_alternative<store::Failure>(result));
        EXPECT_EQ(errc::timed_out, std::get<store::Failure>(result).code);
    }
}

TEST(LikePattern, TakesInWhatTheFilterMatches) {
    EXPECT_EQ("%", like_pattern("#"));
    EXPECT_EQ("a%", like_pattern("a/#"));
    EXPECT_EQ("%/a/%", like_pattern("+/a/+"));
    EXPECT_EQ("a!%!_!!/%/b%", like_pattern("a%_!/+/b/#"));
    EXPECT_EQ("%", like_pattern("+"));
}

TEST(TopicRange, EndsAfterAllThatBeginWithThePrefix) {
    const auto beyond = [](std::string_view prefix) {
        return topics_that_begin_with(prefix).beyond.value_or("none");
    };
    EXPECT_EQ("a0", beyond("a/"));
    EXPECT_EQ("none", beyond(""));
    EXPECT_EQ("\xC3\x80", beyond("\xC2\xBF"));
    EXPECT_EQ("\xC2\x80", beyond("\x7F"));
    EXPECT_EQ("a\xE0\xA0\x80", beyond("a\xDF\xBF"));
    EXPECT_EQ("\xEE\x80\x80", beyond("\xED\x9F\xBF"));
    EXPECT_EQ("\xF0\x90\x80\x80", beyond("\xEF\xBF\xBF"));
    EXPECT_EQ("b", beyond("a\xF4\x8F\xBF\xBF"));
}

}  // namespace
}  // namespace keepmq::sql::test
