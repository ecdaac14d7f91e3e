// Writes through a connection to a file in a temporary directory.

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "backends/sqlite/tests/support.hpp"

namespace keepmq::sqlite::test {
namespace {

using store::errc;
using testing::HasSubstr;

class SqliteConnection : public SqliteTest {};

TEST_F(SqliteConnection, KeepsPayloadsByTheByte) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    expect_ok(
        write(*writer_,
              store_all({message(1, "a", bytes), message(2, "a", ""), message(3, "a", "it's")})));
    const auto read = fetch_all(*reader_, {ClientId{"c"}, TopicFilter{"a"}});
    EXPECT_THAT(payloads(read), testing::ElementsAre(bytes, "", "it's"));
    EXPECT_EQ("blob blob blob", ask("select typeof(payload) from mqtt_msg"));
}

TEST_F(SqliteConnection, ReadsMessagesAsTheyWereStored) {
    auto original = message(1, "a");
    original->qos = Qos::exactly_once;
    original->retain = true;
    auto properties = std::make_unique<MessageProperties>();
    properties->content_type = "text/plain";
    original->properties = std::move(properties);
    expect_ok(write(*writer_, store_all({original})));
    const auto read = fetch_all(*reader_, {ClientId{"c"}, TopicFilter{"a"}});
    ASSERT_EQ(1U, read.size());
    EXPECT_EQ(original->id, read[0]->id);
    EXPECT_EQ(original->topic, read[0]->topic);
    EXPECT_EQ(original->sender, read[0]->sender);
    EXPECT_EQ(original->qos, read[0]->qos);
    EXPECT_EQ(original->at, read[0]->at);
    EXPECT_TRUE(read[0]->retain);
    EXPECT_TRUE(read[0]->stored);
    ASSERT_TRUE(read[0]->properties);
    EXPECT_EQ("text/plain", read[0]->properties->content_type);
}

TEST_F(SqliteConnection, TimesAreTextThatSorts) {
    expect_ok(write(*writer_, store_all({message(1, "a")})));
    EXPECT_EQ("2023-11-14 22:13:21.000000", ask("select arrived from mqtt_msg"));
}

TEST_F(SqliteConnection, PresenceKeepsTheRow) {
    const ClientId client{"c"};
    expect_ok(write(*writer_, {store::ClientOnline{client, "n", at(1)}}));
    EXPECT_EQ("11", ask("select id || state || coalesce(offline_at, '') from mqtt_client"));
    expect_ok(write(*writer_, {store::ClientOffline{client, "n", at(2), at(1)}}));
    expect_ok(write(*writer_, {store::ClientOnline{client, "n", at(3)}}));
    expect_ok(write(*writer_, {store::ClientOffline{client, "n", at(4), at(1)}}));
    EXPECT_EQ(
        "1 1 2023-11-14 22:13:21.000000 2023-11-14 22:13:23.000000",
        ask("select id || ' ' || state || ' ' || created || ' ' || online_at from mqtt_client"));
}

TEST_F(SqliteConnection, RunsTheUsersStatementsWithBoundValues) {
    Shell{file()}.run("create table t (a, b, c, d, e)");
    const auto op = execute(
        {{"insert into t values (", ", ", ", ", ", ", ", ", ")"}, {"update t set a = ", ""}},
        {std::string{"x'); --"},
         store::Bytes{std::string{"\0z", 2}},
         std::int64_t{-1},
         2.5,
         std::monostate{},
         std::string{"y"}});
    expect_ok(write(*writer_, {op, op}));
    EXPECT_EQ("yblobinteger2.5null yblobinteger2.5null",
              ask("select a || typeof(b) || typeof(c) || d || typeof(e) from t"));
}

TEST_F(SqliteConnection, OneBadStatementUndoesTheBatch) {
    auto ops = store_all({message(1, "a")});
    ops.push_back(execute({{"insert into no_such_table values (1)"}}));
    const auto failure = write(*writer_, ops);
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_statement, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("no_such_table"));
    EXPECT_EQ("0", ask("select count(*) from mqtt_msg"));
    expect_ok(write(*writer_, store_all({message(2, "a")})));
}

TEST_F(SqliteConnection, ConstraintsAreTheFaultOfTheValue) {
    Shell{file()}.run("create table t (a integer unique not null, check (a < 10))");
    for (const std::int64_t value : {1, 11}) {
        const auto op = execute({{"insert into t values (", ")"}}, {value});
        const auto failure = write(*writer_, {op, op});
        ASSERT_TRUE(failure);
        EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
    }
    EXPECT_EQ("0", ask("select count(*) from t"));
}

TEST_F(SqliteConnection, StatementThatRollsBackUndoesTheBatch) {
    Shell{file()}.run("create table t (a unique); insert into t values (1)");
    auto ops = store_all({message(1, "a")});
    ops.push_back(execute({{"insert or rollback into t values (1)"}}));
    EXPECT_TRUE(write(*writer_, ops));
    EXPECT_EQ("0", ask("select count(*) from mqtt_msg"));
    expect_ok(write(*writer_, store_all({message(1, "a")})));
}

TEST_F(SqliteConnection, UsersStatementsCannotEndTheTransaction) {
    for (const auto* text : {"commit",
                             "rollback",
                             "savepoint a",
                             "pragma synchronous = off",
                             "attach 'x' as y",
                             "delete from mqtt_msg; delete from mqtt_sub",
                             "",
                             "-- nothing"}) {
        const auto failure = write(*writer_, {execute({{text}})});
        ASSERT_TRUE(failure) << text;
        EXPECT_EQ(errc::bad_statement, failure->code) << text << ": " << failure->text;
    }
    expect_ok(write(*writer_, {execute({{"delete from mqtt_msg;\n"}})}));
}

TEST_F(SqliteConnection, TableThatAppearsLaterIsFound) {
    const auto op = execute({{"insert into t values (1)"}});
    EXPECT_TRUE(write(*writer_, {op}));
    Shell{file()}.run("create table t (a)");
    expect_ok(write(*writer_, {op}));
    Shell{file()}.run("drop table t");
    const auto failure = write(*writer_, {op});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_statement, failure->code);
}

TEST_F(SqliteConnection, LockedFileIsBusyAndTheWaitCanBeInterrupted) {
    backend_ = make_backend(dir_.path(), {{"busy_timeout", "20ms"}});
    open();
    Shell other{file()};
    other.run("begin immediate");
    EXPECT_EQ(errc::busy, write(*writer_, store_all({message(1, "a")}))->code);

    backend_ = make_backend(dir_.path(), {{"busy_timeout", "1000s"}});
    open();
    std::atomic<bool> done{false};
    std::thread stopper{[&] {
        while (!done) {
            writer_->interrupt();
            std::this_thread::yield();
        }
    }};
    EXPECT_TRUE(write(*writer_, store_all({message(1, "a")})));
    done = true;
    stopper.join();
    other.run("rollback");
    expect_ok(write(*writer_, store_all({message(1, "a")})));
}

TEST_F(SqliteConnection, FileThatGoesAwayIsNoticed) {
    std::filesystem::rename(file(), dir_.file("elsewhere.db"));
    const auto failure = write(*writer_, store_all({message(1, "a")}));
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::unreachable, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("was moved or deleted"));
    EXPECT_EQ(errc::unreachable, writer_->open()->code);
    EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(SqliteConnection, ValueThatIsTooLargeUndoesTheBatch) {
    Shell{file()}.run("create table t (x)");
    const auto op =
        execute({{"insert into t values (zeroblob(", "))"}}, {std::int64_t{4'000'000'000}});
    const auto failure = write(*writer_, {store_all({message(1, "a")}).front(), op});
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::bad_value, failure->code) << failure->text;
    EXPECT_EQ("0", ask("select count(*) from mqtt_msg"));
}

/// A limit on the size of files takes the part of a full disk.
int write_beyond_the_limit(store::Connection& writer) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto failure = write(writer, store_all({message(1, "a", std::string(4 << 20, 'x'))}));
    if (!failure || failure->code != errc::storage_full)
        return 1;
    return write(writer, store_all({message(2, "a")})) ? 2 : 0;
}

TEST_F(SqliteConnection, FullDiskIsSaidAndNothingOfTheBatchIsKept) {
    EXPECT_EXIT(
        {
            expect_ok(writer_->open());
            ::_exit(write_beyond_the_limit(*writer_));
        },
        testing::ExitedWithCode(0),
        "");
    EXPECT_EQ("2", ask("select substr(arrived, 19, 1) from mqtt_msg"));
}

/// Writes batches of ten for ever, and says after each that it is committed.
[[noreturn]] void write_and_tell(store::Connection& writer, int told) {
    for (std::uint64_t first = 1;; first += 10) {
        std::vector<std::shared_ptr<Message>> messages;
        for (std::uint64_t n = first; n < first + 10; ++n) messages.push_back(message(n, "a"));
        if (write(writer, store_all(messages)) || ::write(told, "+", 1) != 1)
            ::_exit(1);
    }
}

TEST_F(SqliteConnection, WhatIsCommittedIsThereAfterAKill) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(0, ::pipe(pipe.data()));
    const auto child = ::fork();
    if (child == 0) {
        expect_ok(writer_->open());
        write_and_tell(*writer_, pipe[1]);
    }
    ::close(pipe[1]);
    std::array<char, 64> marks{};
    std::int64_t batches = 0;
    while (batches < 100) {
        const auto got = ::read(pipe[0], marks.data(), marks.size());
        ASSERT_GT(got, 0);
        batches += got;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (auto got = ::read(pipe[0], marks.data(), marks.size()); got > 0;
         got = ::read(pipe[0], marks.data(), marks.size()))
        batches += got;
    ::close(pipe[0]);
    open();
    const auto stored = std::stoll(ask("select count(*) from mqtt_msg"));
    EXPECT_GE(stored, batches * 10);
    EXPECT_EQ(0, stored % 10) << "a part of a batch";
    EXPECT_EQ("ok", ask("pragma integrity_check"));
}

TEST(SqliteFile, NeverCreatedByConnecting) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    const auto failure = backend->connect(store::Role::writer)->open();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::unreachable, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("keepmq.db"));
    EXPECT_FALSE(std::filesystem::exists(dir.file("keepmq.db")));
}

TEST(SqliteFile, PathThatCannotBeIsSaid) {
    TempDir dir;
    std::ofstream{dir.file("plain")} << "x";
    const auto backend = make_backend(dir.path(), {{"file", "plain/keepmq.db"}});
    EXPECT_EQ(errc::unreachable, backend->create_schema()->code);
    EXPECT_EQ(errc::unreachable, backend->connect(store::Role::writer)->open()->code);
}

TEST(SqliteFile, DamagedOneIsLeftAsItIs) {
    TempDir dir;
    const std::string text(10'000, 'x');
    std::ofstream{dir.file("keepmq.db")} << text;
    const auto backend = make_backend(dir.path());
    for (const auto& failure : {backend->connect(store::Role::writer)->open(),
                                backend->create_schema(),
                                backend->check_schema().failure}) {
        ASSERT_TRUE(failure);
        EXPECT_EQ(errc::schema_mismatch, failure->code);
        EXPECT_THAT(failure->text, HasSubstr("damaged or is no SQLite database"));
    }
    std::ifstream file{dir.file("keepmq.db")};
    EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>{file}, {}));
}

TEST(SqliteFile, DamageInTheMiddleIsSaid) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    expect_ok(backend->create_schema());
    {
        const auto writer = backend->connect(store::Role::writer);
        expect_ok(writer->open());
        expect_ok(write(*writer, store_all({message(1, "a")})));
    }
    {
        std::fstream file{dir.file("keepmq.db"), std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(4096);
        file << std::string(8 * 4096, 'x');
    }
    const auto writer = backend->connect(store::Role::writer);
    auto failure = writer->open();
    if (!failure)
        failure = write(*writer, store_all({message(2, "a")}));
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::schema_mismatch, failure->code) << failure->text;
}

/// Root may write every file, so this runs as somebody else.
int open_read_only_file_as_nobody(const store::Backend& backend) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
        return 2;
    const auto failure = backend.connect(store::Role::writer)->open();
    if (!failure || failure->code != errc::storage_full ||
        failure->text.find("read-only") == std::string::npos)
        return 1;
    return 0;
}

TEST(SqliteFileDeathTest, ReadOnlyOneIsSaid) {
    TempDir dir;
    const auto backend = make_backend(dir.path());
    expect_ok(backend->create_schema());
    ASSERT_EQ(0, ::chmod(dir.path().c_str(), 0777));
    ASSERT_EQ(0, ::chmod(dir.file("keepmq.db").c_str(), 0444));
    EXPECT_EXIT(::_exit(open_read_only_file_as_nobody(*backend)), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace keepmq::sqlite::test
