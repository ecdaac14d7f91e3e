// Golden tests: an operation goes in, statements and bindings come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/sqlite/translate.hpp"

#include "backends/sqlite/tests/support.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::sqlite::test {
namespace {

std::string to_text(const Commands& commands) {
    std::string out;
    for (const auto& command : commands) {
        if (command.when == When::nothing_changed)
            out += "-- if the statement above changed nothing\n";
        out += sql::testing::to_text(command.sql, command.params);
    }
    return out;
}

void expect_golden(const std::string& name, const std::string& text) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, text);
}

class Translate : public testing::Test {
  protected:
    void expect_op(const std::string& name, const store::Op& op) {
        expect_golden(name, to_text(translator_.translate(op)));
    }

    Translator translator_{Layout{}};
    ClientId client_{"c'1"};
};

TEST_F(Translate, Presence) {
    expect_op("client_online", store::ClientOnline{client_, "node1", at(1)});
    expect_op("client_offline", store::ClientOffline{client_, "node1", at(2), at(1)});
}

TEST_F(Translate, Messages) {
    expect_op("store_message", store_message(message(5, "a/b")));
    expect_op("store_message_with_properties", store_message(rich_message()));
    expect_op("store_message_latest",
              store::StoreMessage{message(5, "a/b"), store::Keep::latest, {}});
    expect_op("remove_message", store::RemoveMessage{TopicName{"a/b"}, message_id(5)});
    expect_op("remove_row", store::RemoveMessage{TopicName{"a/b"}, sql::id_of_row(12)});
}

TEST_F(Translate, MessagesInTablesOfOthers) {
    translator_ = Translator{
        {.message_properties = false, .retained_properties = false, .unique_msgid = false}};
    expect_op("plain_table_store_message", store_message(rich_message()));
    expect_op("plain_table_store_retained", store::StoreRetained{rich_message(), {}});
    expect_golden("plain_table_message", to_text({translator_.message(3, "")}));
    expect_golden("plain_table_retained", to_text({translator_.retained(TopicFilter{"a"})}));
}

TEST_F(Translate, Retained) {
    expect_op("store_retained", store::StoreRetained{rich_message(), {}});
    expect_op("delete_retained", store::DeleteRetained{TopicName{"a/b"}});
}

TEST_F(Translate, Positions) {
    using store::FetchFrom;
    const TopicName topic{"a/b"};
    expect_op("init_cursor_earliest",
              store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::earliest, at(1)});
    expect_op("init_cursor_latest",
              store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::latest, at(1)});
    expect_op("init_cursor_wildcard",
              store::InitCursor{client_, TopicFilter{"a/#"}, FetchFrom::earliest, at(1)});
    expect_op("advance_cursor", store::AdvanceCursor{client_, topic, message_id(5), at(1)});
    expect_op("advance_cursor_to_row",
              store::AdvanceCursor{client_, topic, sql::id_of_row(12), at(1)});
    expect_op("delete_cursor", store::DeleteCursor{client_, TopicFilter{"a/#"}});
}

TEST_F(Translate, Queries) {
    const auto some = sql::topics_that_begin_with("a/");
    expect_golden("lookup_subscriptions", to_text({translator_.subscriptions_of(client_)}));
    expect_golden("lookup_retained", to_text({translator_.retained(TopicFilter{"a/b"})}));
    expect_golden("lookup_retained_wildcard", to_text({translator_.retained(TopicFilter{"a/+"})}));
    expect_golden("lookup_retained_all", to_text({translator_.retained(TopicFilter{"#"})}));
    expect_golden("fetch",
                  to_text({translator_.position(&client_, "a/b"),
                           translator_.position(nullptr, "a/b"),
                           translator_.ids_of_topic("a/b", 7, 100),
                           translator_.newest_of_topic("a/b"),
                           translator_.scan(7, 100),
                           translator_.unread_topics(&client_, some, 7, 100),
                           translator_.message(8, "2024-01-01 00:00:00"),
                           translator_.msgids_after(7)}));
}

TEST_F(Translate, UserStatementsGetNumberedPlaceholders) {
    EXPECT_EQ("insert into t values (?1, 'x', ?2)",
              join({{"insert into t values (", ", 'x', ", ")"}, "", {}}));
    EXPECT_EQ("delete from t", join({{"delete from t"}, "", {}}));
    EXPECT_TRUE(translator_.translate(execute({{"delete from t"}})).empty());
}

TEST_F(Translate, RangeOfAPrefix) {
    EXPECT_EQ("a/", sql::topics_that_begin_with("a/").first);
    EXPECT_EQ("a0", sql::topics_that_begin_with("a/").beyond);
    EXPECT_EQ(std::nullopt, sql::topics_that_begin_with("").beyond);
}

TEST_F(Translate, RowsAndIdsAreToldApart) {
    EXPECT_EQ(12, sql::row_of(sql::id_of_row(12)));
    EXPECT_EQ(std::nullopt, sql::row_of(message_id(1)));
}

}  // namespace
}  // namespace keepmq::sqlite::test
