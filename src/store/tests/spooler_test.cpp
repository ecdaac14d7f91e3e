// What a pool with a spool does while its database is away, and when it is back.

#include <gmock/gmock.h>

#include <fstream>

#include "spool_support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
    return all;
}

std::vector<Fate> fates_of(const std::vector<Completed>& all) {
    std::vector<Fate> fates;
    for (const Completed& one : all) fates.push_back(one.outcome.fate);
    return fates;
}

TEST_F(SpoolerTest, ADatabaseThatWorksNeedsNoSpool) {
    start(2);
    for (std::uint64_t i = 1; i <= 50; ++i) submit(i, i % 2);
    ASSERT_TRUE(drained());
    EXPECT_THAT(fates_of(sink.all()), Each(Fate::committed));
    EXPECT_EQ(pool->spool()->written, 0U);
    expect_law();
}

TEST_F(SpoolerTest, WhatTheDatabaseDoesNotTakeIsAcknowledgedFromTheFile) {
    start();
    ASSERT_TRUE(becomes_direct());
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 20; ++i) submit(i);
    ASSERT_TRUE(sink.await(20));
    EXPECT_THAT(fates_of(sink.all()), Each(Fate::spooled));
    EXPECT_EQ(pool->stats().spooled, 20U);
    EXPECT_EQ(pool->stats().queued, 0U);
    EXPECT_EQ(rule.stats.spooled, 20U);
    expect_law();
    ASSERT_TRUE(until([&] { return pool->spool()->rows == 20; }));
    EXPECT_GT(pool->spool()->bytes, 0U);

    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], numbers(1, 20));
    EXPECT_EQ(pool->stats().committed, 20U);
    EXPECT_EQ(pool->stats().spooled, 0U);
    EXPECT_THAT(sink.all(), SizeIs(20)) << "one outcome each";
    expect_law();

    submit(21);
    ASSERT_TRUE(sink.await(21));
    EXPECT_EQ(sink.all().back().outcome.fate, Fate::committed);
}

TEST_F(SpoolerTest, AWriteThatHangsIsSpooledAndNotWrittenTwice) {
    start();
    ASSERT_TRUE(becomes_direct());
    database->hold_writes();
    submit(1);
    ASSERT_TRUE(database->await_held_writes(1));
    submit(2);
    ASSERT_TRUE(sink.await(2));
    EXPECT_THAT(fates_of(sink.all()), ElementsAre(Fate::spooled, Fate::spooled));
    database->release_writes();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], numbers(1, 2));
    expect_law();
}

TEST_F(SpoolerTest, AWriteUnderWayThatFailsAfterwardsIsRepeatedAsUnknown) {
    start();
    ASSERT_TRUE(becomes_direct());
    database->hold_writes();
    submit(1);
    ASSERT_TRUE(database->await_held_writes(1));
    database->fail_next_writes(1, errc::connection_lost, Applied::yes);
    ASSERT_TRUE(sink.await(1));
    database->release_writes();
    ASSERT_TRUE(becomes_direct());
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(2));
    EXPECT_EQ(writes[1].attempt, Attempt::after_unknown_outcome);
    EXPECT_EQ(database->stored_messages(), 1U);
    EXPECT_THAT(sink.all(), SizeIs(1));
    expect_law();
}

TEST_F(SpoolerTest, NothingIsRefusedWhileTheSpoolTakesIt) {
    settings.give_up_after = std::chrono::milliseconds{1};
    database->go_down();
    start(2);
    for (std::uint64_t i = 1; i <= 10; ++i) submit(i, i % 2);
    ASSERT_TRUE(sink.await(10));
    EXPECT_THAT(fates_of(sink.all()), Each(Fate::spooled));
    const auto opens = database->opens();
    ASSERT_TRUE(database->await_opens(opens + 10));
    EXPECT_EQ(pool->stats().refused, 0U);
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(pool->stats().committed, 10U);
    expect_law();
}

TEST_F(SpoolerTest, ARestartKeepsTheOrderAndKnowsThatRowsMayBeThere) {
    start(2);
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 30; ++i) submit(i);
    ASSERT_TRUE(sink.await(30));
    const std::size_t before = database->writes().size();
    restart(3);
    for (std::uint64_t i = 31; i <= 40; ++i) submit(i);
    ASSERT_TRUE(sink.await(40));
    EXPECT_EQ(pool->stats().accepted, 40U);
    EXPECT_EQ(rule.stats.accepted, 40U);
    expect_law();
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], numbers(1, 40));
    const auto writes = database->writes();
    for (const auto& write : std::span{writes}.subspan(before)) {
        const auto first = std::get<StoreMessage>(write.ops[0]).message->id.high();
        EXPECT_TRUE(first > 30 || write.attempt == Attempt::after_unknown_outcome) << first;
    }
    EXPECT_EQ(pool->stats().committed, 40U);
    expect_law();
}

TEST_F(SpoolerTest, WhatWasWrittenBeforeTheEndIsNotWrittenAgain) {
    settings.max_batch = 5;
    start();
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 60; ++i) submit(i);
    ASSERT_TRUE(sink.await(60));
    database->hold_writes();
    database->come_back();
    ASSERT_TRUE(database->await_held_writes(1));
    database->release_writes();
    ASSERT_TRUE(until([&] { return pool->stats().committed >= 5; }));
    restart();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], numbers(1, 60));
}

TEST_F(SpoolerTest, StoppingWithADeadDatabaseSpoolsAtOnce) {
    settings.spool.after = std::chrono::hours{1};
    start(2);
    ASSERT_TRUE(becomes_direct());
    database->go_down();
    for (std::uint64_t i = 1; i <= 9; ++i) submit(i, i % 2);
    pool->submit(store_op(10, "all"), {0, true}, &rule, &sink, 10);
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    ASSERT_TRUE(drained());
    EXPECT_THAT(fates_of(sink.all()), Each(Fate::spooled));
    EXPECT_THAT(sink.all(), SizeIs(10));
    pool->stop();
    ASSERT_TRUE(reads.await(1));
    EXPECT_EQ(reads.all()[0].outcome.fate, Fate::refused);
    database->come_back();
    restart(2);
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(pool->stats().committed, 10U);
    EXPECT_EQ(committed()["t1"], (std::vector<std::uint64_t>{1, 3, 5, 7, 9}));
    EXPECT_EQ(database->writes().back().ops.size(), 1U);
    EXPECT_EQ(committed()["all"], numbers(10, 10));
}

TEST_F(SpoolerTest, AnOperationAfterAllStaysAfterAll) {
    start(3);
    begin_to_spool();
    // One is caught in the lanes, the other in the file.
    for (std::uint64_t round = 0; round < 2; ++round) {
        const std::uint64_t base = 10 * (round + 1);
        for (std::uint64_t key = 0; key < 3; ++key) submit(base + key, key);
        pool->submit(store_op(base + 5, "all"), {round, true}, &rule, &sink, base + 5);
        for (std::uint64_t key = 0; key < 3; ++key) submit(base + 6 + key, key);
    }
    ASSERT_TRUE(sink.await(15));
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    std::vector<std::uint64_t> order;
    for (const auto& write : database->writes())
        if (!write.failure)
            for (const Op& op : write.ops)
                order.push_back(std::get<StoreMessage>(op).message->id.high());
    const auto place = [&](std::uint64_t number) {
        return std::ranges::find(order, number) - order.begin();
    };
    for (const std::uint64_t number : {10U, 11U, 12U}) EXPECT_LT(place(number), place(15));
    for (const std::uint64_t number : {16U, 20U, 21U, 22U, 17U, 18U})
        EXPECT_LT(place(number), place(25));
    EXPECT_LT(place(15), place(16)) << "its own lane goes on behind it";
    EXPECT_LT(place(25), place(27));
}

TEST_F(SpoolerTest, AQuerySeesWhatWasSpooledBeforeIt) {
    start(2);
    begin_to_spool();
    submit(2, 1);
    pool->query(fetch_query(), {0, true}, nullptr, reads, 1);
    submit(3, 1);
    pool->query(fetch_query("t1"), {1}, nullptr, reads, 2);
    ASSERT_TRUE(sink.await(3));
    EXPECT_THAT(reads.all(), IsEmpty());
    database->come_back();
    ASSERT_TRUE(reads.await(2));
    for (const Completed& one : reads.all()) EXPECT_GE(page_of(one).size(), 2U) << one.token;
    ASSERT_TRUE(becomes_direct());
    pool->query(fetch_query(), {0, true}, nullptr, reads, 3);
    ASSERT_TRUE(reads.await(3));
    EXPECT_THAT(page_of(reads.all()[2]), SizeIs(3));
}

TEST_F(SpoolerTest, AQueryOfABusyLaneWaitsInTheSpoolToo) {
    start();
    ASSERT_TRUE(becomes_direct());
    plug();
    submit(1);
    pool->query(fetch_query("t0"), {0}, nullptr, reads, 1);
    ASSERT_TRUE(sink.await(1));
    EXPECT_TRUE(spooling());
    EXPECT_THAT(reads.all(), IsEmpty());
    database->release_writes();
    ASSERT_TRUE(reads.await(1));
    EXPECT_THAT(page_of(reads.all()[0]), ElementsAre("1"));
}

TEST_F(SpoolerTest, AQueryBehindTheSpoolCanBeCancelled) {
    settings.max_batch = 1;
    start(2);
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 20; ++i) submit(i);
    for (Token token = 1; token <= 3; ++token)
        pool->query(fetch_query(), {token, token == 3}, nullptr, reads, token);
    ASSERT_TRUE(sink.await(20));
    pool->cancel(reads, 1);
    pool->cancel(reads, 3);
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    ASSERT_TRUE(drained());
    EXPECT_THAT(tokens_of(reads.all()), ElementsAre(2U));
}

TEST_F(SpoolerTest, APoisonRowGoesToTheDeadLettersWhenItIsDrained) {
    database->poison([](const Op& op) -> std::optional<Failure> {
        if (std::get<StoreMessage>(op).message->id.high() != 3)
            return {};
        return Failure{errc::bad_value, "too bitter"};
    });
    start();
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 6; ++i) submit(i);
    ASSERT_TRUE(sink.await(6));
    // What was acknowledged waits until a letter can be kept.
    dead_letters.fail_with(Failure{errc::storage_full, "disk full"});
    database->come_back();
    ASSERT_TRUE(until([&] { return pool->stats().committed >= 2; }));
    EXPECT_EQ(pool->stats().refused, 0U);
    dead_letters.fail_with({});
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], (std::vector<std::uint64_t>{1, 2, 4, 5, 6}));
    ASSERT_EQ(dead_letters.count(), 1U);
    EXPECT_EQ(dead_letters.list(1)[0].rule, rule.name);
    EXPECT_EQ(pool->stats().dead_lettered, 1U);
    EXPECT_THAT(fates_of(sink.all()), Each(Fate::spooled));
    expect_law();
}

// --- limits and disks ---------------------------------------------------------------------------

TEST_F(SpoolerTest, AFullSpoolTakesNoMoreAndGoesOnWhenThereIsRoom) {
    settings.give_up_after = std::chrono::seconds{1};
    settings.spool.max_size = 2000;
    start();
    begin_to_spool();
    EXPECT_TRUE(pool->has_room());
    for (std::uint64_t i = 2; i <= 40; ++i) submit(i);
    ASSERT_TRUE(sink.await(40));
    EXPECT_FALSE(pool->has_room());
    EXPECT_THAT(pool->spool()->last_error, HasSubstr("spool.max_size"));
    EXPECT_LE(pool->spool()->bytes, 2000U);
    const std::uint64_t spooled = pool->stats().spooled;
    EXPECT_GT(spooled, 5U);
    EXPECT_EQ(pool->stats().refused, 40 - spooled);
    expect_law();
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], numbers(1, spooled)) << "what was acknowledged, and no more";
    EXPECT_TRUE(pool->has_room());
    submit(41);
    ASSERT_TRUE(sink.await(41));
    EXPECT_EQ(sink.all().back().outcome.fate, Fate::committed);
}

TEST_F(SpoolerTest, ASpoolThatIsTooOldHasNoRoom) {
    settings.spool.max_age = std::chrono::seconds{1};
    start();
    begin_to_spool();
    EXPECT_TRUE(pool->has_room());
    ASSERT_TRUE(until([&] { return !pool->has_room(); }));
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_TRUE(pool->has_room());
}

TEST_F(SpoolerTest, WithoutASpoolWritesAreRefusedAndSaidWhy) {
    std::ofstream{folder.file("spool")} << "a file is where the folder should be";
    settings.give_up_after = std::chrono::milliseconds{50};
    start();
    submit(1);
    ASSERT_TRUE(sink.await(1));
    EXPECT_EQ(sink.all()[0].outcome.fate, Fate::committed) << "the database does its work";
    database->go_down();
    submit(2);
    ASSERT_TRUE(sink.await(2));
    EXPECT_EQ(sink.all()[1].outcome.fate, Fate::refused);
    EXPECT_GT(pool->spool()->failures, 0U);
    EXPECT_THAT(pool->spool()->last_error, HasSubstr("memory-pool1.db"));
    expect_law();
    std::filesystem::remove(folder.file("spool"));
    // The folder can be made now.
    ASSERT_TRUE(until([&] {
        submit(3);
        (void)sink.await(rule.stats.accepted);
        return sink.all().back().outcome.fate == Fate::spooled;
    }));
}

}  // namespace
}  // namespace keepmq::store::testing
