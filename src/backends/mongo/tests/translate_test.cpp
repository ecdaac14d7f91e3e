// Golden tests: a batch goes in, writes come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/mongo/translate.hpp"

#include <array>

#include "backends/mongo/custom.hpp"
#include "backends/mongo/fetch.hpp"
#include "backends/mongo/json.hpp"
#include "backends/mongo/records.hpp"
#include "backends/mongo/schema.hpp"
#include "backends/mongo/tests/support.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::mongo::test {
namespace {

using store::Attempt;
using store::FetchFrom;
using store::Keep;
using store::PayloadForm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ClientId client{"c'1"};

void expect_golden(const std::string& name, const std::string& text) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, text);
}

std::string to_text(const Document& document) {
    return to_json(document.bson());
}

std::string to_text(const Writes& writes) {
    constexpr std::array<std::string_view, 6> kinds{
        "insert", "update", "upsert", "replace", "remove_one", "remove_all"};
    std::string text = writes.collection + '\n';
    for (const auto& write : writes.list) {
        text += "  " + std::string{kinds[static_cast<std::size_t>(write.kind)]};
        for (const auto* const document : {&write.filter, &write.body})
            if (!document->empty())
                text += ' ' + to_text(*document);
        text += " of";
        for (const auto op : write.ops) text += ' ' + std::to_string(op);
        text += '\n';
    }
    return text;
}

/// A batch that stays as long as the test.
class Ops {
  public:
    Ops(std::initializer_list<store::Op> ops) : ops_{ops} {
        for (const auto& op : ops_) pointers_.push_back(&op);
    }
    operator Batch() const { return pointers_; }  // NOLINT: that is its purpose

  private:
    std::vector<store::Op> ops_;
    std::vector<const store::Op*> pointers_;
};

store::InitCursor init(std::string_view filter, FetchFrom from = FetchFrom::latest) {
    return {client, TopicFilter{filter}, from, at(1)};
}

store::AdvanceCursor advance(std::string_view topic, std::int64_t second) {
    return {client, TopicName{topic}, message_id(second), at(1)};
}

std::string msgid(std::int64_t second) {
    return message_id(second).to_string();
}

TEST(Translate, Presence) {
    const Ops batch{store::ClientOnline{client, "node1", at(1)},
                    store::ClientOffline{client, "node1", at(2), at(1)}};
    expect_golden("presence", to_text(presence(batch)));
}

TEST(Translate, Messages) {
    std::string text;
    for (const auto form : {PayloadForm::bytes, PayloadForm::document}) {
        text += to_text(to_document(store::StoreMessage{rich_message()}, 1, form)) + '\n';
        for (const char* payload :
             {"hello", R"({"a":[1,{"b":null}]})", R"( { "a" : 1.50 } )", "17"})
            text += to_text(to_document(store::StoreMessage{message(5, "a/b", payload)}, 2, form)) +
                    '\n';
    }
    const store::StoreMessage dying{message(5, "a/b"), Keep::all, std::chrono::hours{1}};
    text += to_text(to_document(dying, std::int64_t{1} << 40, PayloadForm::bytes)) + '\n';
    expect_golden("messages", text);
}

TEST(Translate, Removals) {
    const Ops batch{store::StoreMessage{message(1, "a"), Keep::latest, {}},
                    store::StoreMessage{message(2, "a"), Keep::all, {}},
                    store::RemoveMessage{TopicName{"q"}, message_id(3)},
                    store::RemoveMessage{TopicName{"q"}, MessageId{0, 17}}};
    expect_golden("removals", to_text(removals(batch, {.ids = {{msgid(1), 11}, {msgid(2), 12}}})));
    EXPECT_THAT(removals(Ops{store::StoreMessage{message(1, "a"), Keep::latest, {}}}, {}).list,
                IsEmpty());
}

TEST(Translate, Retained) {
    const Ops batch{store::StoreRetained{message(2, "newest"), {}},
                    store::StoreRetained{message(1, "newest"), {}},
                    store::StoreRetained{message(3, "gone"), {}},
                    store::DeleteRetained{TopicName{"gone"}},
                    store::DeleteRetained{TopicName{"again"}},
                    store::StoreRetained{message(4, "again"), {}},
                    store::StoreRetained{message(5, "older"), {}},
                    store::StoreRetained{message(5, "foreign"), std::chrono::seconds{60}}};
    const Known known{.retained = {{"older", msgid(6)}, {"again", msgid(9)}, {"foreign", "5AC1"}}};
    expect_golden("retained", to_text(retained(batch, known)));
}

TEST(Translate, Positions) {
    const Ops batch{init("a"),
                    store::StoreMessage{message(1, "a")},
                    init("b"),
                    init("w/#", FetchFrom::earliest),
                    init("e", FetchFrom::earliest),
                    advance("a", 1),
                    advance("a", 2),
                    advance("none", 7),
                    store::DeleteCursor{client, TopicFilter{"d"}},
                    init("d"),
                    advance("x", 2),
                    store::DeleteCursor{client, TopicFilter{"x"}}};
    const Known known{.ids = {{msgid(1), 30}, {msgid(2), 20}},
                      .newest = {{"a", 5}, {"b", 6}, {"d", 7}},
                      .newest_of_all = 29};
    expect_golden("positions", to_text(positions(batch, known)));
}

TEST(Translate, APositionDoesNotPassWhatComesAfterItInARepeatedBatch) {
    const Ops batch{init("a"), init("#"), store::StoreMessage{message(1, "a")}};
    // The message had been inserted when the connection was lost, the positions had not.
    const Known known{.ids = {{msgid(1), 30}}, .newest = {{"a", 30}}, .newest_of_all = 30};
    const auto writes = positions(batch, known);
    ASSERT_EQ(writes.list.size(), 2U);
    for (const auto& write : writes.list)
        EXPECT_EQ(to_text(write.body), R"({"$setOnInsert":{"mongo_id":29}})");
}

TEST(Translate, WhatHasToBeKnownFirst) {
    const Ops batch{store::StoreMessage{message(1, "a")},
                    advance("a", 1),
                    advance("a", 2),
                    store::AdvanceCursor{client, TopicName{"a"}, MessageId{0, 17}, at(1)},
                    init("a"),
                    init("e", FetchFrom::earliest),
                    store::StoreRetained{message(1, "r"), {}}};
    const auto asked = questions(batch, Attempt::first);
    EXPECT_THAT(asked.msgids, ElementsAre(msgid(2)));
    EXPECT_THAT(asked.newest_of, ElementsAre("a"));
    EXPECT_THAT(asked.retained_topics, ElementsAre("r"));
    EXPECT_FALSE(asked.newest_of_all);
    EXPECT_THAT(questions(batch, Attempt::after_unknown_outcome).msgids,
                ElementsAre(msgid(1), msgid(2)));
    EXPECT_TRUE(questions(Ops{init("#", FetchFrom::earliest)}, Attempt::first).newest_of_all);
    std::string text;
    for (const auto& find : {find_ids(asked.msgids),
                             find_retained(asked.retained_topics),
                             find_newest("a"),
                             find_newest_of_all()})
        text += std::string{find.collection} + ' ' + to_text(find.filter) + ' ' +
                to_text(find.sort) + '\n';
    text += to_text(take_ids(3)) + '\n' + to_text(counter_after(17));
    expect_golden("questions", text);
}

TEST(Translate, TopicsOfAFilter) {
    std::string text;
    for (const char* filter : {"a/b", "#", "a/#", "a/+/c", "+/x", "+/#", "a.b*/+", "/+", "$SYS/#"})
        text += std::string{filter} + ' ' + to_text(topics_like(filter)) + '\n';
    expect_golden("topics", text);
}

TEST(Translate, ValuesOfTheUserAreBound) {
    const auto execute = test::execute(
        {{R"({"collection":"c","document":{"a":)", R"(,"list":[1,)", R"(],"d":{"e":)", "}}}"}});
    const auto& statement = execute.statements->list.front();
    const std::vector<store::Value> values{
        std::string{R"({"$gt": ""})"}, store::Bytes{std::string{"\0\xff", 2}}, std::monostate{}};
    const auto bound = bind_document(statement, values);
    ASSERT_TRUE(std::holds_alternative<CustomDocument>(bound));
    const auto& custom = std::get<CustomDocument>(bound);
    EXPECT_EQ(custom.collection, "c");
    EXPECT_EQ(to_text(custom.document),
              R"({"a":"{\"$gt\": \"\"}","list":[1,{"$binary":"00ff"}],"d":{"e":null}})");
    EXPECT_TRUE(std::holds_alternative<store::Failure>(
        bind_document(test::execute({{"no JSON"}}).statements->list.front(), {})));
}

TEST(Json, OnlyWhatADocumentCanHoldIsEmbedded) {
    const std::string deep(200, '[');
    for (const char* payload : {"",
                                "x",
                                "17",
                                "\"text\"",
                                "null",
                                "{",
                                "{'a':1}",
                                R"({"$a":1})",
                                R"({"a.b":1})",
                                R"({"":1})",
                                R"([18446744073709551615])",
                                R"({"a":1} x)",
                                "{\"a\":\"\xff\"}"})
        EXPECT_FALSE(embed(payload)) << payload;
    EXPECT_FALSE(embed(deep + std::string(200, ']')));
    for (const char* payload : {"{}", "[]", R"({"a":1,"b":[true,null,-5,1.5,"ä\n"]})"}) {
        const auto embedded = embed(payload);
        ASSERT_TRUE(embedded) << payload;
        EXPECT_TRUE(embedded->is_exact);
        EXPECT_EQ(to_json(embedded->document.bson(), embedded->is_array), payload);
    }
    for (const char* payload : {" {}", R"({"a":1.50})", R"({"a":1,"a":2})", R"({"\u0061":1})"}) {
        const auto embedded = embed(payload);
        ASSERT_TRUE(embedded) << payload;
        EXPECT_FALSE(embedded->is_exact);
    }
}

TEST(Document, ReadsWhatItWrote) {
    const auto document = Document{}
                              .integer("small", -7)
                              .integer("large", std::int64_t{1} << 40)
                              .real("real", 2.5)
                              .text("text", std::string_view{"a\0b", 3})
                              .binary("binary", std::string_view{"\0\1", 2})
                              .boolean("yes", true)
                              .null("null")
                              .child("child", Document{}.integer("x", 1));
    const auto fields = fields_of(document.bson());
    ASSERT_EQ(fields.size(), 8U);
    EXPECT_EQ(fields[0].kind, Kind::int32);
    EXPECT_EQ(fields[0].integer(), -7);
    EXPECT_EQ(fields[1].integer(), std::int64_t{1} << 40);
    EXPECT_EQ(fields[2].integer(), 2);
    EXPECT_EQ(fields[3].value, std::string_view("a\0b", 3));
    EXPECT_EQ(fields[4].value, std::string_view("\0\1", 2));
    EXPECT_EQ(fields[5].integer(), 1);
    EXPECT_EQ(fields[6].integer(), std::nullopt);
    EXPECT_EQ(number_of(fields[7].value, "x"), 1);
    // Cut anywhere, it is never read beyond its end.
    for (std::size_t size = 0; size < document.bson().size(); ++size)
        EXPECT_LE(fields_of(std::string{document.bson().substr(0, size)}).size(), 8U);
}

TEST(Records, DocumentsOfOthersAreUnderstood) {
    const auto parsed = parse_message(Document{}
                                          .real("_id", 5)
                                          .text("topic", "t")
                                          .text("msgid", "5AC1A784")
                                          .boolean("retain", true)
                                          .real("qos", 1)
                                          .child("payload", Document{}.integer("a", 1))
                                          .integer("arrived", 1'700'000'000)
                                          .bson(),
                                      Source::messages);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, (MessageId{0, 5}));
    EXPECT_EQ(parsed->payload, R"({"a":1})");
    EXPECT_EQ(parsed->at, at(0));
    EXPECT_TRUE(parsed->retain);
    EXPECT_EQ(parsed->qos, Qos::at_least_once);
    EXPECT_FALSE(parse_message(Document{}.text("topic", "no number").bson(), Source::messages));
    EXPECT_FALSE(parse_message(Document{}.integer("_id", 1).bson(), Source::messages));
}

TEST(Schema, TheScriptMakesTheIndexesOfTheProgram) {
    const std::string script{schema_script()};
    for (const auto& index : indexes()) {
        auto fields = "{" + std::string{index.first} + ": 1";
        if (!index.second.empty())
            fields += ", " + std::string{index.second} + ": 1";
        auto options = "{name: \"" + std::string{index.name} + '"';
        if (index.is_unique)
            options += ", unique: true";
        if (index.expires)
            options += ", expireAfterSeconds: 0";
        EXPECT_THAT(script,
                    HasSubstr("db." + std::string{index.collection} + ".createIndex(" + fields +
                              "}, " + options + "});"));
    }
}

}  // namespace
}  // namespace keepmq::mongo::test
