// Golden tests: an operation goes in, statements and bindings come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/pgsql/translate.hpp"

#include <fmt/format.h>

#include "backends/pgsql/tests/support.hpp"
#include "base/overloaded.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::pgsql::test {
namespace {

using store::Keep;

std::string to_text(const Param& param) {
    return std::visit(
        Overloaded{
            sql::testing::ParamText{},
            [](const Array& value) {
                std::string out;
                for (const auto& element : value.elements)
                    out.append(out.empty() ? "[" : ", ")
                        .append(std::visit(sql::testing::ParamText{}, element));
                return out + "]";
            },
        },
        param);
}

std::string to_text(const Commands& commands) {
    std::string out;
    for (const auto& command : commands) {
        out += fmt::format("{}\n", command.sql);
        for (std::size_t i = 0; i < command.params.size(); ++i)
            out += fmt::format("  ${} = {}\n", i + 1, to_text(command.params[i]));
    }
    return out;
}

void expect_golden(const std::string& name, const std::string& text) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, text);
}

/// Tables like those of EMQ X.
sql::Layout plain() {
    sql::Layout layout;
    layout.message_node = layout.message_properties = false;
    layout.retained_node = layout.retained_properties = false;
    layout.text_payload = layout.text_retained_payload = true;
    layout.unique_msgid = layout.topic_index = false;
    return layout;
}

/// Our tables.
sql::Layout wide() {
    sql::Layout layout;
    layout.is_name = equal_by_hash();
    layout.is_topic_of_message = "left({0}, 500) = left({1}, 500) and {0} = {1}";
    return layout;
}

class Translate : public testing::Test {
  protected:
    static std::string translate(const sql::Layout& layout, const std::vector<store::Op>& ops) {
        std::vector<const store::Op*> batch;
        for (const auto& op : ops) batch.push_back(&op);
        return to_text(Translator{layout}.translate(batch));
    }
    /// On tables of EMQ X and on ours.
    static void expect_ops(const std::string& name, const std::vector<store::Op>& ops) {
        expect_golden(name, translate(plain(), ops) + "\n-- our tables\n" + translate(wide(), ops));
    }

    ClientId client_{"c'1"};
    TopicName topic_{"a/b"};
};

TEST_F(Translate, Presence) {
    expect_ops("presence",
               {store::ClientOnline{client_, "node1", at(1)},
                store::ClientOffline{client_, "node1", at(2), at(1)}});
}

TEST_F(Translate, RunsOfMessagesGoTogether) {
    expect_ops("store_messages",
               {store_message(message(1, "a")),
                store_message(rich_message()),
                store::DeleteRetained{topic_},
                store_message(message(6, "a"))});
}

TEST_F(Translate, RunsOfLargeMessagesAreCut) {
    std::vector<store::Op> ops;
    for (std::int64_t n = 1; n <= 5; ++n)
        ops.push_back(store_message(message(n, "a", std::string(6 << 20, 'x'))));
    std::vector<const store::Op*> batch;
    for (const auto& op : ops) batch.push_back(&op);
    std::vector<std::size_t> sizes;
    for (const auto& command : Translator{wide()}.translate(batch))
        sizes.push_back(std::get<Array>(command.params.front()).elements.size());
    EXPECT_THAT(sizes, testing::ElementsAre(2, 2, 1));
}

TEST_F(Translate, KeepLatest) {
    expect_ops(
        "store_latest",
        {store_message(message(1, "a")), store::StoreMessage{message(2, "a"), Keep::latest, {}}});
}

TEST_F(Translate, RemovedMessages) {
    expect_ops("remove_messages",
               {store::RemoveMessage{topic_, message_id(5)},
                store::RemoveMessage{topic_, sql::id_of_row(12)}});
}

TEST_F(Translate, Retained) {
    expect_ops("retained",
               {store::StoreRetained{rich_message(), {}}, store::DeleteRetained{topic_}});
}

TEST_F(Translate, InitialPositions) {
    using store::FetchFrom;
    expect_ops("init_cursors",
               {store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::earliest, at(1)},
                store::InitCursor{client_, TopicFilter{"a/b"}, FetchFrom::latest, at(1)},
                store::InitCursor{client_, TopicFilter{"a/#"}, FetchFrom::earliest, at(1)}});
}

TEST_F(Translate, Positions) {
    expect_ops("advance_cursors",
               {store::AdvanceCursor{client_, topic_, message_id(5), at(1)},
                store::AdvanceCursor{client_, topic_, sql::id_of_row(12), at(1)},
                store::DeleteCursor{client_, TopicFilter{"a/#"}}});
}

TEST_F(Translate, UserStatementsGetNumberedPlaceholdersAndTheirValues) {
    const auto op = execute({{"insert into t values (", ", '$9', ", ")"}, {"delete from t"}},
                            {std::string{"x"}, store::Bytes{"y"}});
    EXPECT_EQ("insert into t values ($1, '$9', $2)\n  $1 = 'x'\n  $2 = x'79'\ndelete from t\n",
              translate(plain(), {op}));
}

TEST(Objection, IsMadeToWhatBreaksTheTransaction) {
    for (const auto* sql : {"commit",
                            "  ROLLBACK",
                            "-- x\n commit",
                            "/* x */end",
                            "/**/ /* y */ Set synchronous_commit = off",
                            "savepoint a",
                            "copy t from stdin",
                            "",
                            " ; -- nothing",
                            "/* never ends"})
        EXPECT_TRUE(objection_to(sql)) << sql;
    for (const auto* sql : {"insert into commits values (1)",
                            "settle()",
                            "with x as (select 1) select * from x",
                            "update t set a = 1",
                            "call end_of_day()",
                            "/* commit */ delete from t"})
        EXPECT_FALSE(objection_to(sql)) << sql;
}

}  // namespace
}  // namespace keepmq::pgsql::test
