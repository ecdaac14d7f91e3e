// Golden tests: an operation goes in, statements and values come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/cassa/translate.hpp"

#include <fmt/format.h>

#include "backends/cassa/tests/support.hpp"
#include "base/overloaded.hpp"
#include "sql/columns.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::cassa::test {
namespace {

std::string to_text(const Param& param) {
    return std::visit(Overloaded{
                          [](std::monostate) -> std::string { return "null"; },
                          [](Unset) -> std::string { return "unset"; },
                          [](sql::BlobView value) { return fmt::format("blob '{}'", value.bytes); },
                          [](WallTime value) { return sql::format_time(value); },
                          [](std::string_view value) { return fmt::format("'{}'", value); },
                          [](const std::string& value) { return fmt::format("'{}'", value); },
                          [](auto number) { return fmt::format("{}", number); },
                      },
                      param);
}

std::string to_text(const Command& command) {
    std::string out = command.cql + "\n";
    for (const auto& param : command.params) out += "  " + to_text(param) + "\n";
    return out;
}

std::string everything(const Translator& translator) {
    const ClientId client{"c"};
    const auto made = message(0, "t");
    // Commands refer to the operations they were made of.
    const store::ClientOnline online{client, "n", made->at};
    const store::ClientOffline offline{client, "n", made->at, made->at};
    const store::DeleteCursor unsubscribed{client, TopicFilter{"t"}};
    const store::RemoveMessage removed{made->topic, made->id};
    const store::StoreRetained retained{made, std::nullopt};
    std::string out;
    for (const auto& command : {translator.connected_of(client),
                                translator.position_of("c", "t"),
                                Translator::retained_id_of("t"),
                                Translator::newest_of("t"),
                                Translator::stored("t", made->id),
                                translator.online(online),
                                translator.offline(offline),
                                translator.store_message(*made, std::nullopt),
                                translator.store_message(*made, std::chrono::hours{1}),
                                Translator::delete_retained("t"),
                                Translator::delete_superseded("t", "id"),
                                translator.set_position("c", "t", "id"),
                                translator.delete_position(unsubscribed),
                                Translator::remove_message(removed),
                                Translator::delete_older(*made),
                                translator.subscriptions_of(client),
                                Translator::retained_topics(),
                                translator.retained("t"),
                                translator.message("t", "id"),
                                translator.oldest_messages("t", "after", 10),
                                translator.messages("t", "after", "last"),
                                Translator::ids("t", "after", 10),
                                Translator::topics(std::nullopt, 10),
                                Translator::topics("t", 10)})
        out += to_text(command);
    for (const auto& command : translator.store_retained(retained)) out += to_text(command);
    return out;
}

void expect_golden(const std::string& name, const std::string& text) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, text);
}

TEST(Translate, OurTables) {
    expect_golden("ours", everything(Translator{Layout{}}));
}

TEST(Translate, TablesOfEmqx) {
    Layout layout;
    layout.client_in_client = layout.client_in_sub = layout.client_in_acked = "client_id";
    layout.message_properties = layout.retained_body = layout.retained_properties = false;
    expect_golden("emqx", everything(Translator{layout}));
}

TEST(Translate, ConditionsAndReadsAreNoPlainWrites) {
    EXPECT_TRUE(is_plain_write("  INSERT into t (a) values (?)"));
    EXPECT_TRUE(is_plain_write("update t set a = ? where b = ?"));
    EXPECT_FALSE(is_plain_write("insert into t (a) values (?) IF not exists"));
    EXPECT_FALSE(is_plain_write("select a from t"));
    EXPECT_FALSE(is_plain_write(""));
}

}  // namespace
}  // namespace keepmq::cassa::test
