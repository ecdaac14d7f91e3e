// Tables that are missing, incomplete or made by others.

#include "backends/sqlite/schema.hpp"

#include "backends/sqlite/tests/support.hpp"

namespace keepmq::sqlite::test {
namespace {

using store::Attempt;
using store::errc;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The documented tables of EMQ X for MySQL, as somebody would copy them into a SQLite file.
constexpr auto others_tables = R"(
    create table mqtt_client (id integer primary key, clientid varchar(64), state varchar(3), node varchar(64),
                              online_at datetime, offline_at datetime, created timestamp);
    create table mqtt_sub (id integer primary key, clientid varchar(64), topic varchar(180), qos tinyint(1));
    create table mqtt_msg (id integer primary key, msgid varchar(64), topic varchar(180) not null, sender varchar(64),
                           node varchar(64), qos tinyint(1) not null default 0, retain tinyint(1), payload blob,
                           arrived datetime not null);
    create table mqtt_retain (id integer primary key, topic varchar(180), msgid varchar(64), sender varchar(64),
                              node varchar(64), qos tinyint(1), payload blob, arrived timestamp not null);
    create table mqtt_acked (id integer primary key, clientid varchar(64), topic varchar(180), mid int(11),
                             created timestamp);
)";

TEST(Schema, IsCreatedTwiceWithoutHarm) {
    TempDir dir;
    const auto backend = make_backend(dir.path(), {{"file", "sub/dir/x.db"}});
    EXPECT_THAT(backend->check_schema().missing, ElementsAre(HasSubstr("sub/dir/x.db")));
    expect_ok(backend->create_schema());
    expect_ok(backend->create_schema());
    const auto report = backend->check_schema();
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(report.warnings, IsEmpty());
    EXPECT_THAT(backend->schema_script(), HasSubstr("create table if not exists mqtt_acked"));
}

TEST(Schema, MissingTablesAndColumnsAreNamed) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    expect_ok(backend->create_schema());
    Shell{dir.file("keepmq.db")}.run(
        "drop table mqtt_sub; alter table mqtt_retain drop column sender");
    EXPECT_THAT(backend->check_schema().missing,
                ElementsAre("table mqtt_sub", "column mqtt_retain.sender"));
    const auto failure = backend->connect(store::Role::writer)->open();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::schema_mismatch, failure->code);
    EXPECT_THAT(
        failure->text,
        HasSubstr(
            "lacks table mqtt_sub, column mqtt_retain.sender (keepmq schema create sqlite pool1)"));
}

TEST(Schema, IdThatIsNotTheRowIdIsRefused) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    expect_ok(backend->create_schema());
    Shell{dir.file("keepmq.db")}.run(
        "drop table mqtt_msg; create table mqtt_msg (id int(11) primary key, msgid, topic, sender, "
        "qos, retain, payload, arrived)");
    EXPECT_THAT(backend->check_schema().missing, ElementsAre(HasSubstr("INTEGER PRIMARY KEY")));
}

TEST(Schema, TextMustBeUtf8) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    Shell{dir.file("keepmq.db"), Database::Create::yes}.run(
        std::string{"pragma encoding = 'UTF-16le';"} + others_tables);
    EXPECT_THAT(backend->check_schema().missing, ElementsAre(HasSubstr("UTF-16le")));
}

TEST(Schema, CaseInsensitiveKeyIsNoKey) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    Shell{dir.file("keepmq.db"), Database::Create::yes}.run(
        std::string{others_tables} + "create unique index k on mqtt_msg (msgid collate nocase);");
    EXPECT_THAT(backend->check_schema().warnings,
                testing::Contains(HasSubstr("no unique key on msgid")));
}

TEST(Schema, UsersStatementsAreTried) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    EXPECT_FALSE(backend->try_statement({{"select * from nowhere"}, "", {}}))
        << "there is no file yet, the table may come";
    EXPECT_FALSE(backend->try_statement({{"delete from mqtt_acked where mid = 1"}, "", {}}));
    for (const auto* text :
         {"selekt 1", "select nothing from mqtt_msg", "commit", "select 1; select 2"})
        EXPECT_TRUE(backend->try_statement({{text}, "", {}})) << text;
    EXPECT_FALSE(std::filesystem::exists(dir.path() + "/keepmq.db"));
    expect_ok(backend->create_schema());
    EXPECT_FALSE(backend->try_statement(
        {{"delete from mqtt_acked where clientid = ", " and topic = ", ""}, "", {}}));
    for (const auto* text : {"selekt 1",
                             "select * from nowhere",
                             "select nothing from mqtt_msg",
                             "commit",
                             "select 1; select 2"}) {
        const auto failure = backend->try_statement({{text}, "", {}});
        ASSERT_TRUE(failure) << text;
        EXPECT_EQ(errc::bad_statement, failure->code);
    }
    EXPECT_EQ("?1", backend->placeholder(0));
}

/// A file with tables that have no keys, no indexes and no column `properties`.
class TablesOfOthers : public SqliteTest {
  protected:
    void SetUp() override {
        Shell{file(), Database::Create::yes}.run(others_tables);
        backend_ = make_backend(dir_.path());
        open();
    }
    std::vector<std::string> unread(std::string_view client, std::string_view filter) {
        return payloads(fetch_all(*reader_, {ClientId{client}, TopicFilter{filter}}));
    }
};

TEST_F(TablesOfOthers, AreNamedWithWhatTheyLack) {
    const auto report = backend_->check_schema();
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(report.warnings,
                ElementsAre(HasSubstr("AUTOINCREMENT"),
                            HasSubstr("create unique index mqtt_msg_msgid"),
                            HasSubstr("create index mqtt_msg_topic"),
                            HasSubstr("(clientid, topic)"),
                            HasSubstr("properties")));
}

TEST_F(TablesOfOthers, ServeAllOperations) {
    const ClientId client{"c"};
    auto with_properties = message(3, "a", "3");
    with_properties->properties = std::make_unique<MessageProperties>();
    expect_ok(
        write(*writer_, store_all({message(1, "a", "1"), message(2, "b", "2"), with_properties})));
    expect_ok(write(*writer_,
                    {store::InitCursor{client, TopicFilter{"a"}, store::FetchFrom::earliest, at(1)},
                     store::InitCursor{client, TopicFilter{"a"}, store::FetchFrom::latest, at(2)},
                     store::AdvanceCursor{client, TopicName{"a"}, message_id(1), at(3)},
                     store::AdvanceCursor{client, TopicName{"b"}, message_id(2), at(3)},
                     store::ClientOnline{client, "n", at(1)},
                     store::ClientOnline{client, "n", at(2)},
                     store::StoreRetained{with_properties, {}},
                     store::StoreRetained{message(4, "a", "newer"), {}},
                     store::StoreRetained{message(3, "a", "older"), {}}}));
    EXPECT_THAT(unread("c", "a"), ElementsAre("3"));
    EXPECT_THAT(unread("c", "#"), ElementsAre("3"));
    EXPECT_EQ("1 2", ask("select mid from mqtt_acked"));
    EXPECT_EQ("1", ask("select count(*) from mqtt_client"));
    EXPECT_EQ("newer", ask("select payload from mqtt_retain"));
}

TEST_F(TablesOfOthers, RepeatedBatchAddsNoRow) {
    expect_ok(write(*writer_, store_all({message(1, "a")})));
    const auto lost = store_all({message(2, "a"), message(3, "b")});
    expect_ok(write(*writer_, lost));
    expect_ok(writer_->open());
    expect_ok(write(*writer_, lost, Attempt::after_unknown_outcome));
    EXPECT_EQ("3", ask("select count(*) from mqtt_msg"));
    auto more = lost;
    more.push_back(store_all({message(4, "a")}).front());
    const auto another = backend_->connect(store::Role::writer);
    expect_ok(another->open());
    expect_ok(write(*another, more, Attempt::after_unknown_outcome));
    EXPECT_EQ("4", ask("select count(*) from mqtt_msg"));
}

TEST_F(TablesOfOthers, RowsOfOtherProgramsAreDeliveredAndAcknowledged) {
    Shell{file()}.run(
        "insert into mqtt_msg (msgid, topic, payload, arrived) values "
        "('5AC1A78431C3EF44200000C740001', 'a', 'text', '2023-11-14 22:13:20'), (null, 'a', 'no "
        "id', datetime('now'))");
    const auto read = fetch_all(*reader_, {ClientId{"c"}, TopicFilter{"a"}});
    EXPECT_THAT(payloads(read), ElementsAre("text", "no id"));
    EXPECT_EQ(at(0), read[0]->at);
    expect_ok(
        write(*writer_, {store::AdvanceCursor{ClientId{"c"}, TopicName{"a"}, read[0]->id, at(1)}}));
    EXPECT_THAT(unread("c", "a"), ElementsAre("no id"));
    expect_ok(write(*writer_, {store::RemoveMessage{TopicName{"a"}, read[1]->id}}));
    EXPECT_THAT(unread("c", "a"), IsEmpty());
}

}  // namespace
}  // namespace keepmq::sqlite::test
