#include "store/dead_letters.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "base/testing/temp_dir.hpp"
#include "store/op_codec.hpp"
#include "store/op_json.hpp"
#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class DeadLettersTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::unique_ptr<DeadLetters> open() const {
        auto opened = DeadLetters::open(path);
        if (const auto* failure = std::get_if<Failure>(&opened)) {
            ADD_FAILURE() << failure->text;
            return nullptr;
        }
        return std::get<std::unique_ptr<DeadLetters>>(std::move(opened));
    }

    TempDir folder;
    std::string path = folder.file("dead.db");
};

TEST_F(DeadLettersTest, ALetterCanBeFoundAndRemoved) {
    const auto letters = open();
    ASSERT_TRUE(letters);
    const Op op = DeleteRetained{TopicName{"a"}};
    ASSERT_FALSE(letters->add("sqlite pool1", "", op, {errc::bad_value, "first"}));
    ASSERT_FALSE(letters->add("sqlite pool1", "", op, {errc::bad_value, "second"}));
    ASSERT_TRUE(letters->find(2));
    EXPECT_EQ(letters->find(2)->error, "second");
    EXPECT_FALSE(letters->find(3));
    EXPECT_FALSE(letters->remove(1));
    EXPECT_FALSE(letters->find(1));
    EXPECT_FALSE(letters->remove(7));
    EXPECT_EQ(letters->count(), 1U);
}

TEST_F(DeadLettersTest, ANewerLetterTakesThePlaceOfTheOldOne) {
    const auto letters = open();
    ASSERT_TRUE(letters);
    const Op op = DeleteRetained{TopicName{"a"}};
    const Op other = DeleteRetained{TopicName{"b"}};
    ASSERT_FALSE(letters->add("sqlite pool1", "", op, {errc::bad_value, "old"}));
    ASSERT_FALSE(letters->add("sqlite pool1", "", other, {errc::bad_value, "other"}));
    ASSERT_FALSE(letters->add("sqlite pool1", "", op, {errc::bad_value, "new"}));
    ASSERT_FALSE(letters->supersede(1));
    EXPECT_EQ(letters->count(), 2U);
    EXPECT_EQ(letters->find(1)->error, "new");
    EXPECT_EQ(letters->find(2)->error, "other");
    // Without a newer one it stays as it is.
    ASSERT_FALSE(letters->supersede(2));
    EXPECT_EQ(letters->find(2)->error, "other");
}

TEST_F(DeadLettersTest, KeepsALetterOverARestart) {
    auto bad = std::make_shared<Message>();
    bad->id = MessageId{1234567, 89};
    bad->topic = TopicName{"it's/a"};
    bad->payload = std::string("\0\xff'\"", 4);
    bad->sender = ClientId{"dev\"1\""};
    {
        const auto letters = open();
        ASSERT_TRUE(letters);
        ASSERT_FALSE(letters->add("sqlite pool1",
                                  "sqlite message.publish.1",
                                  StoreMessage{bad, Keep::latest, {}},
                                  {errc::bad_value, "too long"}));
    }
    const auto letters = open();
    ASSERT_TRUE(letters);
    EXPECT_EQ(letters->count(), 1U);
    const auto all = letters->list(10);
    ASSERT_THAT(all, SizeIs(1));
    const DeadLetter& letter = all[0];
    EXPECT_EQ(letter.id, 1);
    EXPECT_GT(letter.at.time_since_epoch().count(), 0);
    EXPECT_EQ(letter.pool, "sqlite pool1");
    EXPECT_EQ(letter.rule, "sqlite message.publish.1");
    EXPECT_EQ(letter.op, "store_message");
    EXPECT_EQ(letter.topic, "it's/a");
    EXPECT_EQ(letter.client, "dev\"1\"");
    EXPECT_EQ(letter.message_id, bad->id.to_string());
    EXPECT_EQ(letter.payload, bad->payload);
    EXPECT_EQ(letter.error, "too long");
    EXPECT_THAT(letter.detail, HasSubstr(R"("keep":"latest")"));
}

TEST_F(DeadLettersTest, ListsTheOldestFirstUpToTheLimit) {
    const auto letters = open();
    ASSERT_TRUE(letters);
    for (std::uint64_t i = 1; i <= 5; ++i)
        ASSERT_FALSE(letters->add("p", "", store_op(i), {errc::bad_value, ""}));
    const auto some = letters->list(3);
    ASSERT_THAT(some, SizeIs(3));
    EXPECT_EQ(some[0].payload, "1");
    EXPECT_EQ(some[2].payload, "3");
    EXPECT_EQ(letters->count(), 5U);
}

TEST_F(DeadLettersTest, KeepsEveryKindOfOperation) {
    const ClientId client{"c"};
    const auto statements = std::make_shared<Statements>();
    const std::vector<Op> ops{ClientOnline{client, "n", {}},
                              ClientOffline{client, "n", {}, {}},
                              store_op(1),
                              StoreRetained{message(2), std::chrono::seconds{9}},
                              DeleteRetained{TopicName{"t"}},
                              InitCursor{client, TopicFilter{"a/#"}, FetchFrom::latest, {}},
                              advance_op("c", 3),
                              DeleteCursor{client, TopicFilter{"t"}},
                              RemoveMessage{TopicName{"t"}, MessageId{4, 1}},
                              Execute{statements, {}}};
    const auto letters = open();
    ASSERT_TRUE(letters);
    for (const Op& op : ops) ASSERT_FALSE(letters->add("p", "r", op, {errc::bad_statement, "no"}));
    const auto all = letters->list(100);
    ASSERT_EQ(all.size(), ops.size());
    for (std::size_t i = 0; i < ops.size(); ++i) {
        EXPECT_EQ(all[i].op, name_of(ops[i]));
        EXPECT_THAT(all[i].detail, HasSubstr(R"("op":")" + all[i].op + '"'));
        // It can be run again.
        EXPECT_EQ(all[i].encoded, encode(ops[i]));
    }
}

TEST_F(DeadLettersTest, AFileOfAnEarlierVersionIsTakenOver) {
    {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(db,
                               "create table dead_letters (id integer primary key autoincrement,"
                               "at integer not null,pool text not null,rule text not null,"
                               "op text not null,topic text not null,client text not null,"
                               "message_id text not null,payload blob,detail text not null,"
                               "error text not null);"
                               "insert into dead_letters values"
                               "(1,2,'p','r','execute','','','',null,'{}','old')",
                               nullptr,
                               nullptr,
                               nullptr),
                  SQLITE_OK);
        sqlite3_close(db);
    }
    for (int start = 1; start <= 2; ++start) {
        const auto letters = open();
        ASSERT_TRUE(letters);
        ASSERT_FALSE(letters->add("p", "", store_op(1), {errc::bad_value, "new"}));
    }
    const auto all = open()->list(10);
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[0].error, "old");
    EXPECT_EQ(all[0].encoded, "");
    EXPECT_EQ(all[2].encoded, encode(store_op(1)));
}

TEST_F(DeadLettersTest, ADamagedFileIsAnErrorAndStaysAsItIs) {
    const std::string rubbish(8192, 'x');
    std::ofstream{path} << rubbish;
    const auto opened = DeadLetters::open(path);
    ASSERT_TRUE(std::holds_alternative<Failure>(opened));
    EXPECT_THAT(std::get<Failure>(opened).text, HasSubstr(path));
    EXPECT_EQ(std::filesystem::file_size(path), rubbish.size());
}

TEST_F(DeadLettersTest, AMissingFolderIsAnError) {
    const auto opened = DeadLetters::open(folder.file("none/dead.db"));
    ASSERT_TRUE(std::holds_alternative<Failure>(opened));
    EXPECT_EQ(std::get<Failure>(opened).code, errc::access_denied);
}

TEST(OpJson, WritesValuesSoThatTheyCanBeReadAgain) {
    auto statements = std::make_shared<Statements>();
    statements->list.push_back({{"insert ", ""}, "insert ${x}", {}});
    const std::string text = to_json(Execute{statements,
                                             {std::monostate{},
                                              std::int64_t{-5},
                                              1.5,
                                              std::string{"it's \"x\"\n"},
                                              Bytes{std::string("\0\xff", 2)},
                                              std::string{"\xff"}}});
    EXPECT_EQ(text,
              R"({"op":"execute","statements":[{"source":"insert ${x}","pieces":["insert ",""]}],)"
              R"("values":[null,-5,1.5E0,"it's \"x\"\n",{"hex":"00ff"},{"hex":"ff"}]})");
}

TEST(OpJson, WritesPropertiesOfAMessage) {
    auto made = std::make_shared<Message>();
    made->topic = TopicName{"t"};
    auto properties = std::make_unique<MessageProperties>();
    properties->content_type = "text/plain";
    properties->correlation_data = std::string("\1\2", 2);
    properties->message_expiry_interval = 60;
    properties->user_properties = {{"a", "b"}};
    made->properties = std::move(properties);
    const std::string text = to_json(StoreRetained{made, {}});
    EXPECT_THAT(
        text,
        HasSubstr(R"("properties":{"message_expiry_interval":60,"content_type":"text/plain",)"
                  R"("correlation_data":{"hex":"0102"},"user_properties":[["a","b"]]})"));
    EXPECT_THAT(to_json(StoreRetained{made, std::chrono::seconds{9}}),
                HasSubstr(R"("time_to_live":9)"));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("payload\"")));
}

}  // namespace
}  // namespace keepmq::store::testing
