// Writes through a connection to a real server.

#include <array>
#include <atomic>
#include <thread>

#include "backends/pgsql/tests/support.hpp"

namespace keepmq::pgsql::test {
namespace {

using store::Attempt;
using store::errc;
using testing::HasSubstr;

class PgConnection : public testing::Test {
  protected:
    void SetUp() override {
        OwnDatabase::empty();
        expect_ok(backend_->create_schema());
        open();
    }
    void open() {
        writer_ = backend_->connect(store::Role::writer);
        expect_ok(writer_->open());
        reader_ = backend_->connect(store::Role::reader);
        expect_ok(reader_->open());
    }
    void expect_failure(errc code, std::string_view words, const std::vector<store::Op>& ops) {
        const auto failure = write(*writer_, ops);
        ASSERT_TRUE(failure);
        EXPECT_EQ(code, failure->code) << failure->text;
        EXPECT_THAT(failure->text, HasSubstr(std::string{words}));
    }
    /// Until so many locks are waited for.
    static void await_waiting(Shell& shell, std::string_view count) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (shell.ask("select count(*) from pg_locks where not granted and database = (select "
                         "oid from pg_database where datname = current_database())") != count) {
            if (HasFailure() || std::chrono::steady_clock::now() > deadline)
                FAIL() << "nobody waits for a lock";
            std::this_thread::yield();
        }
    }
    static store::Op insert(store::Value value) {
        return execute({{"insert into t values (", ")"}}, {std::move(value)});
    }

    std::shared_ptr<store::Backend> backend_{make_backend()};
    std::unique_ptr<store::Connection> writer_;
    std::unique_ptr<store::Connection> reader_;
};

TEST_F(PgConnection, ValuesOfTheUserTakeTheTypeOfTheColumn) {
    Shell shell;
    shell.run("create table t (a text, b bytea, c smallint, d double precision, e jsonb, f text)");
    const auto op = execute({{"insert into t values (", ", ", ", ", ", ", ", ", ", ", ")"}},
                            {std::string{"x'); --"},
                             store::Bytes{std::string{"\0\\z", 3}},
                             std::int64_t{-1},
                             2.5,
                             store::Bytes{R"({"k": 1})"},
                             std::int64_t{7}});
    expect_ok(write(*writer_, {op, op}));
    EXPECT_EQ("x'); --|\\x005c7a|-1|2.5|1|7 x'); --|\\x005c7a|-1|2.5|1|7",
              shell.ask("select concat_ws('|', a, b, c, d, e->>'k', f) from t"));
}

TEST_F(PgConnection, TextThatIsNoneIsTheFaultOfTheValue) {
    Shell{}.run("create table t (a text)");
    expect_failure(errc::bad_value, "zero byte", {insert(store::Bytes{std::string{"\0", 1}})});
    expect_failure(errc::bad_value, "encoding", {insert(store::Bytes{"\xff"})});
    expect_ok(write(*writer_, {insert(store::Bytes{"fine"})}));
}

TEST_F(PgConnection, ConstraintsAndTypesAreTheFaultOfTheValue) {
    Shell shell;
    shell.run(
        "create table t (a integer not null check (a < 10), unique (a) deferrable initially "
        "deferred)");
    expect_failure(errc::bad_value, "unique", {insert(std::int64_t{1}), insert(std::int64_t{1})});
    expect_failure(errc::bad_value, "check", {insert(std::int64_t{11})});
    expect_failure(errc::bad_value, "integer", {insert(std::string{"one"})});
    EXPECT_EQ("0", shell.ask("select count(*) from t"));
}

TEST_F(PgConnection, OneBadStatementUndoesTheBatch) {
    expect_failure(
        errc::bad_statement,
        "no_such_table",
        {store_one(message(1, "a")), execute({{"insert into no_such_table values (1)"}})});
    EXPECT_EQ("0", Shell{}.ask("select count(*) from mqtt_msg"));
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
}

TEST_F(PgConnection, UsersStatementsCannotEndTheTransaction) {
    for (const auto* text :
         {"commit", "/* x */ rollback", "set a.b = 'c'", "copy t from stdin", ""})
        expect_failure(errc::bad_statement, "in: source", {execute({{text}})});
    expect_failure(errc::bad_statement,
                   "multiple commands",
                   {execute({{"delete from mqtt_msg; delete from mqtt_sub"}})});
    expect_failure(errc::bad_value, "", {execute({{"select 1 / 0"}})});
    expect_ok(write(*writer_, {execute({{"select * from mqtt_msg"}})}));
}

TEST_F(PgConnection, TablesOfTheUserMayChange) {
    expect_failure(errc::bad_statement, "does not exist", {insert(std::int64_t{1})});
    Shell shell;
    shell.run("create table t (a integer)");
    expect_ok(write(*writer_, {insert(std::int64_t{1})}));
    shell.run("drop table t; create table t (a bytea)");
    expect_ok(write(*writer_, {insert(store::Bytes{std::string{"\0", 1}})}));
    EXPECT_EQ("\\x00", shell.ask("select a::text from t"));
    shell.run("drop table t");
    expect_failure(errc::bad_statement, "does not exist", {insert(std::int64_t{1})});
}

TEST_F(PgConnection, MissingColumnOfOursIsSaidAndItsReturnNoticed) {
    Shell shell;
    shell.run("alter table mqtt_msg rename column sender to other");
    const auto failure = write(*writer_, {store_one(message(1, "a"))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::schema_mismatch, failure->code);
    const auto reopened = writer_->open();
    ASSERT_TRUE(reopened);
    EXPECT_EQ(errc::schema_mismatch, reopened->code);
    EXPECT_THAT(reopened->text, HasSubstr("column mqtt_msg.sender"));
    shell.run("alter table mqtt_msg rename column other to sender");
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
}

TEST_F(PgConnection, IdsAreNotSpentOnRepeats) {
    const ClientId client{"c"};
    const auto stored = message(1, "a");
    expect_ok(write(*writer_, {store_one(stored)}));
    for (int i = 0; i < 50; ++i)
        expect_ok(write(*writer_,
                        {store::ClientOnline{client, "n", at(i)},
                         store::AdvanceCursor{client, stored->topic, stored->id, at(i)},
                         store::StoreRetained{stored, {}}}));
    EXPECT_EQ("1 1 1",
              Shell{}.ask("select concat_ws(' ', (select last_value from mqtt_client_id_seq), "
                          "(select last_value from mqtt_acked_id_seq), "
                          "(select last_value from mqtt_retain_id_seq))"));
}

TEST_F(PgConnection, AKeyOfTheUserRefusesAMessageWithAnError) {
    Shell{}.run("create unique index theirs on mqtt_msg (sender)");
    expect_ok(write(*writer_, {store_one(message(1, "t"))}));
    expect_failure(errc::bad_value, "theirs", {store_one(message(2, "t"))});
}

TEST_F(PgConnection, WaitsForALockUntilTheDeadline) {
    backend_ = make_backend({{"read_timeout", "200ms"}});
    open();
    Shell other;
    other.run("begin; lock table mqtt_msg");
    const auto failure = write(*writer_, {store_one(message(1, "a"))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::timed_out, failure->code) << failure->text;
    other.run("rollback");
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
}

TEST_F(PgConnection, WaitingCanBeInterrupted) {
    backend_ = make_backend({{"read_timeout", "1000s"}});
    open();
    Shell other;
    other.run("begin; lock table mqtt_msg");
    std::atomic<bool> done{false};
    std::thread stopper{[&] {
        while (!done) {
            writer_->interrupt();
            std::this_thread::yield();
        }
    }};
    const auto failure = write(*writer_, {store_one(message(1, "a"))});
    done = true;
    stopper.join();
    ASSERT_TRUE(failure);
    EXPECT_TRUE(is_outcome_unknown(failure->code));
    other.run("rollback");
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
}

TEST_F(PgConnection, LostConnectionIsSaid) {
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
    Shell shell;
    shell.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> "
        "pg_backend_pid() and datname = current_database()");
    const auto failure = write(*writer_, {store_one(message(2, "a"))});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::connection_lost, failure->code) << failure->text;
    EXPECT_EQ(errc::unreachable, write(*writer_, {store_one(message(2, "a"))})->code);
    expect_ok(writer_->open());
    expect_ok(write(*writer_, {store_one(message(2, "a"))}, Attempt::after_unknown_outcome));
    EXPECT_EQ("2", shell.ask("select count(*) from mqtt_msg"));
}

/// The first attempt still waits in the server when the second comes.
TEST_F(PgConnection, WithoutAKeyARepeatWaitsForWhatIsLeftOfTheFirstAttempt) {
    backend_ = make_backend({{"read_timeout", "1000s"}});
    Shell shell;
    shell.run("alter table mqtt_msg drop constraint mqtt_msg_msgid_key; create table gate (a int)");
    open();
    expect_ok(write(*writer_, {store_one(message(1, "a"))}));
    Shell other;
    other.run("begin; lock table gate");
    // In one transaction: inserts the message, then waits at the gate.
    const std::vector<store::Op> batch{store_one(message(2, "a")),
                                       execute({{"insert into gate values (1)"}})};
    std::thread first{[&] { EXPECT_TRUE(write(*writer_, batch)); }};
    await_waiting(shell, "1");
    writer_->interrupt();
    first.join();
    expect_ok(writer_->open());
    std::thread second{[&] { expect_ok(write(*writer_, batch, Attempt::after_unknown_outcome)); }};
    await_waiting(shell, "2");
    other.run("rollback");
    second.join();
    EXPECT_EQ("1",
              shell.ask("select count(*) from mqtt_msg where msgid = '" +
                        message_id(2).to_string() + "'"));
}

TEST_F(PgConnection, UserWithoutRightsIsSaid) {
    Shell shell;
    shell.run(
        "drop role if exists keepmq_test_reader; create role keepmq_test_reader login "
        "password 'p'");
    shell.run(
        "grant usage on schema public to keepmq_test_reader; "
        "grant select on all tables in schema public to keepmq_test_reader");
    backend_ = make_backend({{"username", "keepmq_test_reader"}, {"password", "p"}});
    open();
    expect_failure(errc::access_denied, "permission denied", {store_one(message(1, "a"))});
    writer_.reset();
    reader_.reset();
    shell.run("drop owned by keepmq_test_reader; drop role keepmq_test_reader");
}

TEST_F(PgConnection, SchemaCheckNamesWhatIsMissingAndWhatIsSlow) {
    EXPECT_TRUE(backend_->check_schema().ok());
    EXPECT_TRUE(backend_->check_schema().warnings.empty());
    Shell{}.run("drop index mqtt_msg_topic; alter table mqtt_msg alter payload type text using ''");
    EXPECT_THAT(backend_->check_schema().warnings,
                testing::UnorderedElementsAre(HasSubstr("create index mqtt_msg_topic"),
                                              HasSubstr("payload is text")));
    Shell{}.run("drop table mqtt_sub");
    EXPECT_THAT(backend_->check_schema().missing, testing::ElementsAre("table mqtt_sub"));
}

TEST_F(PgConnection, StatementIsTriedAgainstTheLiveDatabase) {
    EXPECT_FALSE(backend_->try_statement({{"delete from mqtt_sub where topic = ", ""}, "", {}}));
    const auto failure = backend_->try_statement({{"delete from nowhere"}, "", {}});
    ASSERT_TRUE(failure);
    EXPECT_THAT(failure->text, HasSubstr("nowhere"));
    const auto nobody = make_backend({{"server", "127.0.0.1:1"}});
    EXPECT_FALSE(nobody->try_statement({{"nonsense"}, "", {}}));
}

}  // namespace
}  // namespace keepmq::pgsql::test
