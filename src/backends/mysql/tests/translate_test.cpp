// Golden tests: an operation goes in, statements and bindings come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/mysql/translate.hpp"

#include "backends/mysql/tests/support.hpp"
#include "backends/mysql/users.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::mysql::test {
namespace {

std::string to_text(const Steps& steps) {
    std::string out;
    for (const auto& step : steps) {
        if (step.when == When::nothing_matched)
            out += "-- if the statement above found no row\n";
        out += sql::testing::to_text(step.sql, step.params);
    }
    return out;
}

void expect_golden(const std::string& name, const std::string& text) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, text);
}

/// Tables of EMQ X: no unique msgid, no properties, letter case ignored.
Tables plain_tables() {
    Tables tables;
    tables.layout.message_properties = false;
    tables.layout.retained_properties = false;
    tables.layout.unique_msgid = false;
    const auto* const by_bytes = "({0} = {1} and cast({0} as binary) = cast({1} as binary))";
    tables.layout.is_topic_of_message = by_bytes;
    tables.layout.is_name = by_bytes;
    tables.is_msgid = by_bytes;
    return tables;
}

std::shared_ptr<Message> retained_message() {
    auto out = rich_message();
    out->retain = true;
    out->sender = ClientId{};
    return out;
}

class Translate : public testing::Test {
  protected:
    void expect_ops(const std::string& name, const std::vector<store::Op>& ops) {
        std::string ours;
        std::string plain;
        for (const auto& op : ops) {
            ours += to_text(ours_.translate(op));
            plain += to_text(plain_.translate(op));
        }
        expect_golden(name, ours);
        expect_golden("plain_" + name, plain);
    }

    Translator ours_{Tables{}};
    Translator plain_{plain_tables()};
    ClientId client_{"c"};
};

TEST_F(Translate, Presence) {
    expect_ops("presence",
               {store::ClientOnline{client_, "n", at(1)},
                store::ClientOffline{client_, "n", at(2), at(1)}});
}

TEST_F(Translate, Messages) {
    expect_ops("store_message",
               {store_message(retained_message()),
                store::StoreMessage{message(5, "a/b"), store::Keep::latest, {}}});
    expect_ops("remove_message",
               {store::RemoveMessage{TopicName{"a/b"}, message_id(5)},
                store::RemoveMessage{TopicName{"a/b"}, sql::id_of_row(12)}});
}

TEST_F(Translate, ManyMessagesInOneStatement) {
    expect_golden("store_messages", ours_.insert_messages(2) + "\n");
    expect_golden("stored_after", plain_.stored_after(2) + "\n");
}

TEST_F(Translate, Retained) {
    expect_ops(
        "retained",
        {store::StoreRetained{retained_message(), {}}, store::DeleteRetained{TopicName{"a/b"}}});
}

TEST_F(Translate, Positions) {
    using store::FetchFrom;
    const TopicName topic{"a/b"};
    expect_ops("init_cursor",
               {store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::earliest, at(1)},
                store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::latest, at(1)},
                store::InitCursor{client_, TopicFilter{"a/#"}, FetchFrom::earliest, at(1)}});
    expect_ops("advance_cursor",
               {store::AdvanceCursor{client_, topic, message_id(5), at(1)},
                store::AdvanceCursor{client_, topic, sql::id_of_row(12), at(1)}});
    expect_ops("delete_cursor", {store::DeleteCursor{client_, TopicFilter{"a/#"}}});
}

TEST_F(Translate, UserStatementsGetPlaceholders) {
    EXPECT_EQ("insert into t values (?, 'x', ?)",
              join({{"insert into t values (", ", 'x', ", ")"}, "", {}}));
    EXPECT_TRUE(ours_.translate(execute({{"delete from t"}})).empty());
}

TEST(UserStatements, MayReadAndWriteRowsOnly) {
    for (const char* good : {"insert into t values (1)",
                             "  UPDATE t set a = 1",
                             "delete from t",
                             "replace into t values (1)",
                             "select 1",
                             "(select 1)",
                             "with x as (select 1) select * from x",
                             "call p(?)"})
        EXPECT_FALSE(why_forbidden(good)) << good;
    for (const char* bad : {"commit",
                            "ROLLBACK",
                            "begin",
                            "start transaction",
                            "set autocommit = 1",
                            "create table t (a int)",
                            "drop table mqtt_msg",
                            "truncate t",
                            "lock tables t write",
                            "",
                            "inserted"}) {
        const auto failure = why_forbidden(bad);
        ASSERT_TRUE(failure) << bad;
        EXPECT_EQ(store::errc::bad_statement, failure->code);
    }
}

}  // namespace
}  // namespace keepmq::mysql::test
