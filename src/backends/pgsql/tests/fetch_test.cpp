// Pages of a large table take bounded work: what the contract suite is too small to show.

#include "backends/pgsql/tests/support.hpp"

namespace keepmq::pgsql::test {
namespace {

using store::FetchMessages;
using store::MessagePage;
using testing::SizeIs;

class PgFetch : public testing::Test {
  protected:
    void SetUp() override {
        OwnDatabase::empty();
        expect_ok(backend_->create_schema());
        reader_ = backend_->connect(store::Role::reader);
        expect_ok(reader_->open());
    }

    MessagePage page(std::string_view filter,
                     std::size_t limit,
                     std::optional<store::Position> after = {}) {
        FetchMessages query{ClientId{"c"}, TopicFilter{filter}};
        query.limit = limit;
        query.after = std::move(after);
        return page_of(*reader_, query);
    }

    Shell shell_;
    std::unique_ptr<store::Backend> backend_{make_backend()};
    std::unique_ptr<store::Connection> reader_;
};

/// The planner knows the table as one of many small topics; one of them has grown since.
TEST_F(PgFetch, PagesOfABusyTopicReadNoMoreThanTheyReturn) {
    shell_.run(
        "insert into mqtt_msg (msgid, topic, qos, payload, arrived) "
        "select 'few' || i, 'quiet/' || i % 300, 1, 'x', now() from generate_series(1, 12000) i; "
        "analyze mqtt_msg; "
        "insert into mqtt_msg (msgid, topic, qos, payload, arrived) "
        "select 'many' || i, 'busy', 1, 'x', now() from generate_series(1, 30000) i");
    std::optional<store::Position> after;
    for (int i = 0; i < 20; ++i) {
        const auto found = page("busy", 10, after);
        ASSERT_THAT(found.messages, SizeIs(10));
        after = found.next;
    }
    reader_.reset();  // statistics are there when the connection is gone
    const auto read_rows = [this] {
        return shell_
            .rows(
                "select coalesce(idx_tup_fetch, 0) from pg_stat_user_tables "
                "where relname = 'mqtt_msg'")
            .integer(0, 0);
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (read_rows() < 200 && std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_GE(read_rows(), 200);
    EXPECT_LE(read_rows(), 1000);
}

TEST_F(PgFetch, WildcardFindsTheOneUnreadMessageAtOnce) {
    shell_.run(
        "insert into mqtt_msg (msgid, topic, qos, payload, arrived) "
        "select 'm' || i, 'd/' || i % 200 || '/t', 1, i::text::bytea, now() "
        "from generate_series(1, 60000) i; "
        "insert into mqtt_acked (clientid, topic, mid, created) "
        "select 'c', topic, max(id), now() from mqtt_msg group by topic; "
        "update mqtt_acked set mid = mid - 200 where topic = 'd/7/t'; analyze");
    const auto found = page("d/+/t", 100);
    ASSERT_THAT(found.messages, SizeIs(1));
    EXPECT_EQ("59807", found.messages[0]->payload);
    EXPECT_FALSE(found.next);
}

TEST_F(PgFetch, LongTopicsThatBeginAlikeAreToldApart) {
    const std::string head(700, 'h');
    shell_.run("insert into mqtt_msg (msgid, topic, qos, payload, arrived) select 'm' || i, 'l/" +
               head + "/' || i % 3, 1, i::text::bytea, now() from generate_series(1, 30) i");
    EXPECT_THAT(page("l/" + head + "/1", 100).messages, SizeIs(10));
    EXPECT_THAT(page("l/" + head + "/+", 100).messages, SizeIs(30));
    EXPECT_THAT(page("l/+/2", 100).messages, SizeIs(10));
}

}  // namespace
}  // namespace keepmq::pgsql::test
