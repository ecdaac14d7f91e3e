// What the contract suite leaves open: mistakes, tables of others, interrupts, lost connections.

#include <future>
#include <thread>

#include "backends/mysql/tests/support.hpp"

namespace keepmq::mysql::test {
namespace {

using store::Attempt;
using store::errc;
using store::Role;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Connections : public testing::TestWithParam<Product> {
  protected:
    void use(const std::string& script) {
        database_ = std::make_unique<TestDatabase>(GetParam(), script);
        backend_ = database_->backend();
        writer_ = backend_->connect(Role::writer);
    }
    void use_ours() {
        use(std::string{schema_script()});
        expect_ok(writer_->open());
    }
    void use_emqx() {
        use(tables("emqx_4_4.sql"));
        expect_ok(writer_->open());
    }
    /// The failure of a writer with other settings.
    store::Failure open_with(Properties properties) {
        const auto backend = make_backend(descriptor(), with(database_->conf(), properties));
        const auto failure = backend->connect(Role::writer)->open();
        EXPECT_TRUE(failure);
        return failure.value_or(store::Failure{});
    }
    std::vector<std::string> fetch(const std::string& client, const std::string& filter) {
        auto reader = backend_->connect(Role::reader);
        expect_ok(reader->open());
        store::FetchMessages query;
        query.client = ClientId{client};
        query.filter = TopicFilter{filter};
        return payloads(fetch_all(*reader, query));
    }
    Shell& shell() { return database_->shell(); }
    /// Until the server works on a statement of the writer.
    void await_a_running_statement() { await_session("%execute"); }

    /// The server's number of the writer's session, once it shows this command: the answer to a
    /// statement is out before the list of sessions says so. Empty after a failure.
    std::string await_session(const std::string& command) {
        Shell other{GetParam(), "information_schema"};
        const auto number = "select id from information_schema.processlist where command like '" +
                            command + "' and db = '" + database_->name() + "' and id <> " +
                            shell().ask("select connection_id()") + " limit 1";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{8};
        while (std::chrono::steady_clock::now() < deadline) {
            if (auto found = other.ask(number); !found.empty())
                return found;
        }
        ADD_FAILURE() << "no session of the writer shows " << command;
        return {};
    }

    std::unique_ptr<TestDatabase> database_;
    std::unique_ptr<store::Backend> backend_;
    std::unique_ptr<store::Connection> writer_;
};

INSTANTIATE_TEST_SUITE_P(Products,
                         Connections,
                         testing::Values(Product::mariadb, Product::mysql),
                         [](const auto& product) { return to_string(product.param); });

TEST_P(Connections, TellRefusedFromUnreachable) {
    use("do 0");
    const auto wrong = open_with({{"password", "s3cret"}});
    EXPECT_EQ(errc::access_denied, wrong.code) << wrong.text;
    EXPECT_THAT(wrong.text, HasSubstr("Access denied"));
    EXPECT_THAT(wrong.text, Not(HasSubstr("s3cret")));
    const auto unknown = open_with({{"database", "no_such_database"}});
    EXPECT_EQ(errc::access_denied, unknown.code) << unknown.text;
    EXPECT_THAT(unknown.text, HasSubstr("no_such_database"));
    const auto nobody = open_with({{"server", "127.0.0.1:1"}});
    EXPECT_EQ(errc::unreachable, nobody.code) << nobody.text;
    const auto nowhere = open_with({{"server", "no-such-host.invalid"}});
    EXPECT_EQ(errc::unreachable, nowhere.code) << nowhere.text;
}

TEST_P(Connections, TakeTheFirstServerThatAnswers) {
    use_ours();
    auto conf = database_->conf();
    conf.entries["server"].value = "127.0.0.1:1," + address_of(GetParam());
    Diagnostics diagnostics;
    expect_ok(descriptor().configure(conf, diagnostics)->connect(Role::writer)->open());
}

TEST_P(Connections, NameMissingTablesAndTheCommand) {
    use(std::string{schema_script()} +
        "drop table mqtt_acked; alter table mqtt_msg drop column retain;");
    const auto failure = writer_->open();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::schema_mismatch, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("lacks column mqtt_msg.retain, table mqtt_acked"));
    EXPECT_THAT(failure->text, HasSubstr("keepmq schema create mysql pool1"));
}

TEST_P(Connections, NothingIsSaidAboutOurTables) {
    use_ours();
    EXPECT_THAT(backend_->check_schema().warnings, testing::IsEmpty());
}

TEST_P(Connections, TheTablesOfEmqxWorkWithWarnings) {
    use_emqx();
    const auto report = backend_->check_schema();
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(report.warnings, Contains(HasSubstr("no unique key on msgid")));
    EXPECT_THAT(report.warnings, Contains(HasSubstr("letter case")));
    EXPECT_THAT(report.warnings, Contains(HasSubstr("mqtt_retain.topic")));
    EXPECT_THAT(report.warnings, Not(Contains(HasSubstr("no index on topic"))));
}

TEST_P(Connections, AValueThatDoesNotFitIsRefusedWithItsBatch) {
    use_emqx();
    const auto failure = write(
        *writer_,
        {store_message(message(1, "t", "fits")), store_message(message(2, std::string(181, 'x')))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
    EXPECT_THAT(failure->text, HasSubstr("Data too long for column 'topic'"));
    EXPECT_EQ("0", shell().ask("select count(*) from mqtt_msg"));
    expect_ok(write(*writer_, {store_message(message(1, "t", "fits"))}));
    EXPECT_EQ("fits", shell().ask("select payload from mqtt_msg"));
}

TEST_P(Connections, AMessageBeyondTheLargestPacketIsRefused) {
    use_ours();
    const auto limit = std::stoul(shell().ask("select @@max_allowed_packet"));
    for (const auto& batch : {std::vector{store_message(message(1, "t", std::string(limit, 'x')))},
                              std::vector{store_message(message(1, "t", std::string(limit, 'x'))),
                                          store_message(message(2, "t"))}}) {
        const auto failure = write(*writer_, batch);
        ASSERT_TRUE(failure);
        EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
        EXPECT_THAT(failure->text, HasSubstr("max_allowed_packet"));
    }
    expect_ok(write(*writer_, {store_message(message(2, "t"))}));
}

TEST_P(Connections, ABatchLargerThanAPacketIsStored) {
    use_ours();
    std::vector<store::Op> ops;
    for (std::int64_t i = 0; i < 40; ++i)
        ops.push_back(store_message(message(i, "t", std::string(1024UL * 1024, 'x'))));
    expect_ok(write(*writer_, ops));
    EXPECT_EQ("40", shell().ask("select count(*) from mqtt_msg where length(payload) = 1048576"));
}

TEST_P(Connections, BatchesOfEverySizeAreStoredInOrder) {
    use_ours();
    std::int64_t next = 0;
    for (std::int64_t size = 1; size <= 260; ++size) {
        std::vector<store::Op> ops;
        for (std::int64_t i = 0; i < size; ++i, ++next)
            ops.push_back(store_message(message(next, "t", std::to_string(next))));
        expect_ok(write(*writer_, ops));
    }
    EXPECT_EQ(std::to_string(next), shell().ask("select count(*) from mqtt_msg"));
    EXPECT_EQ("0",
              shell().ask("select count(*) from (select cast(cast(payload as char) as signed) as "
                          "number, row_number() over (order by id) as place from mqtt_msg) m "
                          "where number <> place - 1"));
}

TEST_P(Connections, MistakesInStatementsOfTheUserAreFinal) {
    use_ours();
    for (const char* text :
         {"insert into no_such_table values (1)",
          "insert into mqtt_sub (no_such_column) values (1)",
          "insert into",
          "insert into mqtt_sub (clientid, topic) values ('a', 'b'); delete from mqtt_sub",
          "commit"}) {
        const auto failure = write(*writer_, {execute({{text}})});
        ASSERT_TRUE(failure) << text;
        EXPECT_EQ(errc::bad_statement, failure->code) << failure->text;
        EXPECT_THAT(failure->text, HasSubstr(" in: source"));
    }
    const auto failure = write(
        *writer_, {execute({{"insert into mqtt_sub (qos) values (", ")"}}, {std::int64_t{1000}})});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
}

TEST_P(Connections, ProceduresMayReturnRows) {
    use_ours();
    shell().run(
        "create procedure note(in c text) insert into mqtt_sub (clientid, topic) values (c, 'p')");
    shell().run("create procedure show_all() select * from mqtt_sub");
    expect_ok(write(*writer_,
                    {execute({{"call note(", ")"}, {"call show_all()"}, {"select * from mqtt_sub"}},
                             {std::string{"c"}}),
                     store_message(message(1, "t"))}));
    EXPECT_EQ("c", shell().ask("select clientid from mqtt_sub"));
    EXPECT_EQ("1", shell().ask("select count(*) from mqtt_msg"));
}

TEST_P(Connections, NamesThatAKeyTakesForOneNeverOverwriteEachOther) {
    use_emqx();
    expect_ok(write(*writer_, {store::StoreRetained{message(1, "Lamp", "upper"), {}}}));
    const auto failure = write(*writer_, {store::StoreRetained{message(2, "lamp", "lower"), {}}});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
    EXPECT_EQ("upper", shell().ask("select payload from mqtt_retain"));
    expect_ok(write(*writer_, {store::DeleteRetained{TopicName{"lamp"}}}));
    EXPECT_EQ("1", shell().ask("select count(*) from mqtt_retain"));
}

TEST_P(Connections, IdsOfPositionsAreNotUsedUp) {
    use_emqx();
    expect_ok(write(*writer_, {store_message(message(1, "t"))}));
    for (int i = 0; i < 20; ++i)
        expect_ok(write(*writer_,
                        {store::AdvanceCursor{ClientId{"c"}, TopicName{"t"}, message_id(1), at(i)},
                         store::ClientOnline{ClientId{"c"}, "n", at(i)}}));
    expect_ok(write(*writer_,
                    {store::AdvanceCursor{ClientId{"d"}, TopicName{"t"}, message_id(1), at(1)}}));
    EXPECT_EQ("1 2", shell().ask("select id from mqtt_acked order by id"));
}

TEST_P(Connections, RowsOfOtherProgramsAreDeliveredAndAcknowledged) {
    use_ours();
    shell().run(
        "insert into mqtt_msg (topic, payload, arrived) values ('t', 'theirs', utc_timestamp())");
    auto reader = backend_->connect(Role::reader);
    expect_ok(reader->open());
    store::FetchMessages query;
    query.client = ClientId{"c"};
    query.filter = TopicFilter{"t"};
    auto answer = reader->read(query);
    const auto& page = std::get<store::MessagePage>(std::get<store::Reply>(answer));
    ASSERT_EQ(1U, page.messages.size());
    expect_ok(
        write(*writer_,
              {store::AdvanceCursor{ClientId{"c"}, TopicName{"t"}, page.messages[0]->id, at(1)}}));
    EXPECT_THAT(fetch("c", "t"), testing::IsEmpty());
}

TEST_P(Connections, AnInterruptEndsABlockedCall) {
    use_ours();
    expect_ok(write(*writer_, {store::ClientOnline{ClientId{"c"}, "n", at(1)}}));
    shell().run("begin; update mqtt_client set node = 'x'");
    auto blocked = std::async(std::launch::async, [&] {
        return write(*writer_, {store::ClientOnline{ClientId{"c"}, "n", at(2)}});
    });
    await_a_running_statement();
    const auto start = std::chrono::steady_clock::now();
    writer_->interrupt();
    const auto failure = blocked.get();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{2});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::connection_lost, failure->code) << failure->text;
    shell().run("rollback");
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store::ClientOnline{ClientId{"c"}, "n", at(3)}}));
}

TEST_P(Connections, AConnectionThatTheServerEndsIsLost) {
    use_ours();
    shell().run("kill " + await_session("Sleep"));
    const auto failure = write(*writer_, {store_message(message(1, "t"))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::connection_lost, failure->code) << failure->text;
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store_message(message(1, "t"))}, Attempt::after_unknown_outcome));
}

TEST_P(Connections, ARepeatWaitsForTheTransactionThatWasLost) {
    use_emqx();
    const auto op = store_message(message(1, "t", "once"));
    expect_ok(write(*writer_, {store_message(message(0, "t", "before"))}));
    // The server has not noticed yet that its client is gone, and will still commit.
    shell().run("begin; insert into mqtt_msg (msgid, topic, payload, arrived) values ('" +
                message_id(1).to_string() + "', 't', 'once', utc_timestamp())");
    auto repeat = std::async(std::launch::async,
                             [&] { return write(*writer_, {op}, Attempt::after_unknown_outcome); });
    await_a_running_statement();
    shell().run("commit");
    expect_ok(repeat.get());
    EXPECT_EQ("before once", shell().ask("select payload from mqtt_msg order by id"));
}

/// As after the death of a broker whose statements the server still runs, while others store, too.
TEST_P(Connections, NothingIsLostBehindAMessageThatIsThere) {
    use_ours();
    shell().run("begin; insert into mqtt_msg (msgid, topic, arrived) values ('" +
                message_id(5).to_string() + "', 't', utc_timestamp())");
    std::vector<store::Op> batch;
    for (const std::int64_t number : {1, 2, 3, 4, 5, 900, 101, 102, 103, 104, 105, 106})
        batch.push_back(store_message(message(number, "t")));
    auto blocked = std::async(std::launch::async, [&] { return write(*writer_, batch); });
    await_a_running_statement();
    auto others = backend_->connect(Role::writer);
    expect_ok(others->open());
    expect_ok(write(*others, {store_message(message(900, "t"))}));
    std::vector<store::Op> more;
    for (std::int64_t number = 500; number < 550; ++number)
        more.push_back(store_message(message(number, "t")));
    expect_ok(write(*others, more));
    shell().run("rollback");
    expect_ok(blocked.get());
    EXPECT_EQ("62", shell().ask("select count(distinct msgid) from mqtt_msg"));
    EXPECT_EQ("62", shell().ask("select count(*) from mqtt_msg"));
}

TEST_P(Connections, AKeyOfTheUserRefusesAMessageWithAnError) {
    use_ours();
    shell().run("alter table mqtt_msg add unique key theirs (sender(100))");
    expect_ok(write(*writer_, {store_message(message(1, "t"))}));
    const auto failure = write(*writer_, {store_message(message(2, "t"))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
    EXPECT_THAT(failure->text, HasSubstr("theirs"));
}

TEST_P(Connections, TwoRulesMayStoreOneMessage) {
    use_ours();
    expect_ok(write(*writer_, {store_message(message(1, "t")), store_message(message(1, "t"))}));
    EXPECT_EQ("1", shell().ask("select count(*) from mqtt_msg"));
}

TEST_P(Connections, WildcardsFindTheFirstUnreadRowAmongManyTopics) {
    use_ours();
    constexpr std::int64_t topics = 12'000;
    std::vector<store::Op> ops;
    for (std::int64_t i = 0; i < topics; ++i)
        ops.push_back(store_message(message(i, "many/" + std::to_string(i), std::to_string(i))));
    ops.emplace_back(
        store::InitCursor{ClientId{"c"}, TopicFilter{"many/+"}, store::FetchFrom::latest, at(1)});
    expect_ok(write(*writer_, ops));
    EXPECT_THAT(fetch("c", "many/+"), testing::IsEmpty());
    const std::string long_topic = "many/" + std::string(300, 'x');
    expect_ok(write(
        *writer_,
        {store_message(message(topics, long_topic, "long")),
         store_message(message(topics + 1, "many/7", "new")),
         store_message(message(topics + 2, "many/8", "read")),
         store::AdvanceCursor{ClientId{"c"}, TopicName{"many/8"}, message_id(topics + 2), at(2)}}));
    EXPECT_THAT(fetch("c", "many/+"), testing::ElementsAre("long", "new"));
    EXPECT_EQ(topics + 3, std::ssize(fetch("other", "many/#")));
}

}  // namespace
}  // namespace keepmq::mysql::test
