// Pages of stored messages: positions, wildcards and the plans for few and for many topics.

#include "backends/sqlite/tests/support.hpp"

namespace keepmq::sqlite::test {
namespace {

using store::FetchFrom;
using store::FetchMessages;
using store::FetchMode;
using testing::ElementsAre;
using testing::IsEmpty;

class SqliteFetch : public SqliteTest {
  protected:
    /// Stores messages 1..count; message n goes to the topic that `topic` names and has n as
    /// payload.
    template <class Topic>
    void fill(std::uint64_t count, Topic topic) {
        std::vector<std::shared_ptr<Message>> messages;
        for (std::uint64_t n = 1; n <= count; ++n)
            messages.push_back(message(n, topic(n), std::to_string(n)));
        expect_ok(write(*writer_, store_all(messages)));
    }
    void init(std::string_view filter, FetchFrom from = FetchFrom::earliest) {
        expect_ok(write(*writer_, {store::InitCursor{client_, TopicFilter{filter}, from, at(0)}}));
    }
    void ack(std::uint64_t number, std::string_view topic) {
        expect_ok(
            write(*writer_,
                  {store::AdvanceCursor{client_, TopicName{topic}, message_id(number), at(0)}}));
    }
    FetchMessages query(std::string_view filter, std::size_t limit = 100) {
        FetchMessages out{client_, TopicFilter{filter}};
        out.limit = limit;
        return out;
    }
    std::vector<std::string> all(const FetchMessages& fetch) {
        return payloads(fetch_all(*reader_, fetch));
    }

    ClientId client_{"c"};
};

std::vector<std::string> numbers(int from, int to, int step = 1) {
    std::vector<std::string> out;
    for (int n = from; n <= to; n += step) out.push_back(std::to_string(n));
    return out;
}

TEST_F(SqliteFetch, OneTopicInPages) {
    fill(200, [](auto n) { return n % 2 == 0 ? "even" : "odd"; });
    init("even");
    int pages = 0;
    EXPECT_EQ(numbers(2, 200, 2), payloads(fetch_all(*reader_, query("even", 30), &pages)));
    EXPECT_EQ(4, pages);
    ack(150, "even");
    EXPECT_EQ(numbers(152, 200, 2), all(query("even", 7)));
}

TEST_F(SqliteFetch, PositionNeverGoesBackAndSkipsUnknownMessages) {
    fill(3, [](auto) { return "a"; });
    ack(2, "a");
    ack(1, "a");
    ack(99, "a");
    ack(3, "b");
    EXPECT_EQ("2", ask("select mid from mqtt_acked"));
}

TEST_F(SqliteFetch, LatestStartsAfterTheNewest) {
    fill(3, [](auto n) { return n == 3 ? "b" : "a"; });
    init("a", FetchFrom::latest);
    init("new", FetchFrom::latest);
    init("+", FetchFrom::earliest);
    EXPECT_EQ("2 0 3", ask("select mid from mqtt_acked order by id"));
    init("a", FetchFrom::earliest);
    EXPECT_EQ("2", ask("select mid from mqtt_acked where topic = 'a'"));
}

TEST_F(SqliteFetch, WildcardWithFewTopicsIsMergedInOrder) {
    fill(300, [](auto n) { return n % 3 == 0 ? "x" : n % 3 == 1 ? "s/1" : "s/2"; });
    std::vector<std::string> wanted;
    for (int n = 1; n <= 300; ++n) {
        if (n % 3 != 0)
            wanted.push_back(std::to_string(n));
    }
    for (const std::size_t limit : {1U, 7U, 100U, 1000U})
        EXPECT_EQ(wanted, all(query("s/+", limit))) << limit;
    EXPECT_EQ(numbers(1, 300), all(query("#", 11)));
}

TEST_F(SqliteFetch, WildcardHonoursBothPositions) {
    fill(5, [](auto) { return "s/1"; });
    init("s/#");
    EXPECT_THAT(all(query("s/#")), IsEmpty());
    std::vector<std::shared_ptr<Message>> more;
    for (std::uint64_t n = 6; n <= 10; ++n)
        more.push_back(message(n, n % 2 == 0 ? "s/1" : "s", std::to_string(n)));
    expect_ok(write(*writer_, store_all(more)));
    EXPECT_THAT(all(query("s/#")), ElementsAre("6", "7", "8", "9", "10"));
    ack(8, "s/1");
    EXPECT_THAT(all(query("s/#")), ElementsAre("7", "9", "10"));
}

TEST_F(SqliteFetch, WildcardWithManyTopicsIsReadInOrder) {
    fill(900,
         [](auto n) { return "d/" + std::to_string(n % 300) + (n % 2 == 0 ? "/even" : "/odd"); });
    for (const std::size_t limit : {1U, 100U, 1000U})
        EXPECT_EQ(numbers(2, 900, 2), all(query("d/+/even", limit))) << limit;
    ack(600, "d/0/even");
    ack(602, "d/2/even");
    auto wanted = numbers(4, 900, 2);
    for (const auto* read : {"300", "302", "600", "602"}) std::erase(wanted, read);
    EXPECT_EQ(wanted, all(query("d/+/even", 50)));
}

TEST_F(SqliteFetch, LongWayToTheNextMessageIsCutIntoPages) {
    fill(45'000, [](auto n) {
        return n == 44'999 ? std::string{"d/wanted"} : "d/" + std::to_string(n % 200);
    });
    auto first = query("+/wanted");
    first.after = store::Position{"s0"};
    int pages = 0;
    EXPECT_THAT(payloads(fetch_all(*reader_, first, &pages)), ElementsAre("44999"));
    EXPECT_EQ(3, pages);
}

TEST_F(SqliteFetch, FirstUnreadMessageIsFoundAtOnce) {
    fill(30'000, [](auto n) { return "d/" + std::to_string(n % 150); });
    for (std::uint64_t n = 29'851; n <= 30'000; ++n)
        ack(n == 30'000 ? 29'850 : n, "d/" + std::to_string(n % 150));
    int pages = 0;
    EXPECT_THAT(payloads(fetch_all(*reader_, query("d/#"), &pages)), ElementsAre("30000"));
    EXPECT_EQ(1, pages);
}

TEST_F(SqliteFetch, WildcardDoesNotSeeDollarTopics) {
    fill(2, [](auto n) { return n == 1 ? "$SYS/a" : "a"; });
    EXPECT_THAT(all(query("#")), ElementsAre("2"));
    EXPECT_THAT(all(query("$SYS/#")), ElementsAre("1"));
}

TEST_F(SqliteFetch, QueueIgnoresPositions) {
    fill(4, [](auto n) { return n % 2 == 0 ? "q/1" : "q/2"; });
    ack(4, "q/1");
    init("q/#");
    for (const auto* filter : {"q/1", "q/#"}) {
        auto fetch = query(filter);
        fetch.mode = FetchMode::queue;
        EXPECT_EQ(filter == std::string_view{"q/1"} ? numbers(2, 4, 2) : numbers(1, 4), all(fetch));
    }
    expect_ok(write(*writer_, {store::RemoveMessage{TopicName{"q/1"}, message_id(2)}}));
    auto fetch = query("q/1", 1);
    fetch.mode = FetchMode::queue;
    EXPECT_THAT(all(fetch), ElementsAre("4"));
}

TEST_F(SqliteFetch, LatestGivesTheNewestOfEachTopic) {
    fill(400, [](auto n) { return "k/" + std::to_string(n % 4); });
    auto fetch = query("k/#", 3);
    fetch.mode = FetchMode::latest;
    EXPECT_EQ(numbers(397, 400), all(fetch));
    ack(398, "k/2");
    EXPECT_THAT(all(fetch), ElementsAre("397", "399", "400"));
    fetch.filter = TopicFilter{"k/3"};
    EXPECT_THAT(all(fetch), ElementsAre("399"));
    fetch.filter = TopicFilter{"k/2"};
    EXPECT_THAT(all(fetch), IsEmpty());
}

TEST_F(SqliteFetch, LatestOfManyTopics) {
    fill(900, [](auto n) { return "k/" + std::to_string(n % 300); });
    auto fetch = query("k/#", 70);
    fetch.mode = FetchMode::latest;
    EXPECT_EQ(numbers(601, 900), all(fetch));
}

TEST_F(SqliteFetch, KeepLatestRemovesTheOlderOnes) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        expect_ok(
            write(*writer_,
                  {store::StoreMessage{message(n, "a", std::to_string(n)), store::Keep::latest, {}},
                   store::StoreMessage{message(n + 10, "b"), store::Keep::all, {}}}));
    EXPECT_THAT(all(query("a")), ElementsAre("3"));
    EXPECT_EQ("3", ask("select count(*) from mqtt_msg where topic = 'b'"));
}

TEST_F(SqliteFetch, OldMessagesAreLeftOut) {
    fill(100, [](auto n) { return n % 2 == 0 ? "t/1" : "t/2"; });
    for (const auto* filter : {"t/1", "t/#"}) {
        auto fetch = query(filter, 5);
        fetch.not_before = at(90);
        EXPECT_EQ(filter == std::string_view{"t/1"} ? numbers(90, 100, 2) : numbers(90, 100),
                  all(fetch));
    }
}

TEST_F(SqliteFetch, IdsOfDeletedRowsAreNotUsedAgain) {
    fill(3, [](auto) { return "a"; });
    ack(3, "a");
    Shell{file()}.run("delete from mqtt_msg");
    expect_ok(write(*writer_, store_all({message(4, "a", "4")})));
    EXPECT_THAT(all(query("a")), ElementsAre("4"));
}

TEST_F(SqliteFetch, SubscriptionsAreReadAsTheyStand) {
    Shell{file()}.run(
        "insert into mqtt_sub (clientid, topic, qos) values ('c', 'b/#', 2), ('c', 'a', 7), ('c', "
        "'', 1), ('d', 'x', 1)");
    const auto answer = reader_->read(store::LookupSubscriptions{client_});
    const auto& found =
        std::get<std::vector<store::StoredSubscription>>(std::get<store::Reply>(answer));
    ASSERT_EQ(2U, found.size());
    EXPECT_EQ("a", found[0].filter.str());
    EXPECT_EQ(7, found[0].qos);
    EXPECT_EQ("b/#", found[1].filter.str());
}

TEST_F(SqliteFetch, RetainedMessagesMatchByFilter) {
    const auto found = [this](std::string_view filter) {
        const auto answer = reader_->read(store::LookupRetained{TopicFilter{filter}});
        return payloads(std::get<store::MessagePage>(std::get<store::Reply>(answer)).messages);
    };
    const auto keep = [this](std::uint64_t number, std::string_view topic) {
        expect_ok(write(
            *writer_, {store::StoreRetained{message(number, topic, std::to_string(number)), {}}}));
    };
    keep(1, "r");
    keep(2, "r/a");
    keep(3, "r/b/c");
    keep(4, "rest");
    keep(6, "r/a");
    keep(5, "r/a");
    EXPECT_THAT(found("r/a"), ElementsAre("6"));
    EXPECT_THAT(found("r/+"), ElementsAre("6"));
    EXPECT_THAT(found("r/#"), ElementsAre("1", "6", "3"));
    EXPECT_EQ(4U, found("#").size());
    expect_ok(write(*writer_, {store::DeleteRetained{TopicName{"r/a"}}}));
    EXPECT_THAT(found("r/a"), IsEmpty());
}

}  // namespace
}  // namespace keepmq::sqlite::test
