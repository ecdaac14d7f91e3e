// What the pool does when the database fails.

#include <gmock/gmock.h>

#include <set>

#include "store/pool.hpp"
#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MemoryDatabase::Poison dislike(std::set<std::uint64_t> numbers) {
    return [numbers = std::move(numbers)](const Op& op) -> std::optional<Failure> {
        const auto* store = std::get_if<StoreMessage>(&op);
        if (store == nullptr || !numbers.contains(store->message->id.high()))
            return {};
        return Failure{errc::bad_value, "value " + store->message->payload + " is refused"};
    };
}

// --- transient ----------------------------------------------------------------------------------

TEST_F(PoolTest, RepeatsTheSameBatchAfterATransientFailure) {
    start();
    plug();
    for (std::uint64_t i = 1; i <= 3; ++i) submit(i);
    database->fail_next_writes(1, errc::connection_lost, Applied::yes);
    database->release_writes();
    ASSERT_TRUE(drained());
    // The plug takes the fault; what gathered behind it waits its turn.
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(3));
    EXPECT_EQ(writes[0].attempt, Attempt::first);
    EXPECT_EQ(writes[1].attempt, Attempt::after_unknown_outcome);
    EXPECT_THAT(payloads_of(writes[1]), ElementsAre("0"));
    EXPECT_EQ(writes[2].attempt, Attempt::first);
    EXPECT_THAT(payloads_of(writes[2]), ElementsAre("1", "2", "3"));
    EXPECT_EQ(database->stored_messages(), 4U);
    EXPECT_EQ(pool->stats().retries, 1U);
    EXPECT_EQ(pool->state(), PoolState::running);
}

TEST_F(PoolTest, TellsAKnownOutcomeFromAnUnknownOne) {
    database->fail_next_writes(2, errc::busy);
    database->fail_next_writes(1, errc::timed_out);
    database->fail_next_writes(1, errc::busy);
    start();
    submit(1);
    ASSERT_TRUE(drained());
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(5));
    EXPECT_EQ(writes[2].attempt, Attempt::first);
    EXPECT_EQ(writes[3].attempt, Attempt::after_unknown_outcome);
    // Once unknown, it stays so until the batch is settled.
    EXPECT_EQ(writes[4].attempt, Attempt::after_unknown_outcome);
    EXPECT_EQ(rule.stats.errors, 4U);
    EXPECT_EQ(rule.stats.committed, 1U);
    expect_conservation();
}

TEST_F(PoolTest, WaitsForADatabaseThatIsDownAndThenWrites) {
    database->go_down();
    start(2, 1);
    for (std::uint64_t i = 1; i <= 20; ++i) submit(i, i % 2);
    ASSERT_TRUE(database->await_opens(20));
    EXPECT_EQ(pool->state(), PoolState::degraded);
    EXPECT_THAT(pool->last_error(), HasSubstr("memory database is down"));
    EXPECT_THAT(sink.all(), IsEmpty());
    EXPECT_EQ(pool->stats().queued, 20U);
    database->come_back();
    ASSERT_TRUE(drained());
    EXPECT_EQ(database->stored_messages(), 20U);
    expect_conservation();
}

TEST_F(PoolTest, ConnectsAgainWithNothingToDo) {
    database->go_down();
    start();
    ASSERT_TRUE(database->await_opens(6));
    EXPECT_EQ(pool->state(), PoolState::degraded);
    database->come_back();
    submit(1);
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    ASSERT_TRUE(reads.await(1));
    ASSERT_TRUE(drained());
    EXPECT_EQ(pool->state(), PoolState::running);
}

TEST_F(PoolTest, ABriefLockIsNotAFailureOfThePool) {
    start();
    submit(1);
    ASSERT_TRUE(drained());
    database->fail_next_writes(1, errc::busy);
    submit(2);
    ASSERT_TRUE(drained());
    EXPECT_EQ(pool->state(), PoolState::running);
    EXPECT_EQ(pool->stats().retries, 1U);
}

TEST_F(PoolTest, GivesUpWhatIsTooOldAndGoesOnWithTheRest) {
    settings.give_up_after = std::chrono::milliseconds{1};
    database->go_down();
    start();
    for (std::uint64_t i = 1; i <= 5; ++i) submit(i);
    ASSERT_TRUE(sink.await(5));
    for (const Completed& one : sink.all()) {
        EXPECT_EQ(one.outcome.fate, Fate::refused);
        ASSERT_TRUE(one.outcome.failure);
        EXPECT_EQ(one.outcome.failure->code, errc::unreachable);
    }
    EXPECT_EQ(pool->stats().refused, 5U);
    database->come_back();
    // Reconnecting goes on without work; the next query shows that it has succeeded.
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    ASSERT_TRUE(reads.await(1));
    EXPECT_EQ(database->stored_messages(), 0U);
    expect_conservation();
}

TEST_F(PoolTest, WhatMerelyWaitedLongIsStillWritten) {
    settings.give_up_after = std::chrono::milliseconds{0};
    start();
    plug();
    for (std::uint64_t i = 1; i <= 5; ++i) submit(i);
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_EQ(rule.stats.committed, 5U);
}

TEST_F(PoolTest, ABatchThatFailedIsRefusedWhenItIsTooOld) {
    settings.give_up_after = std::chrono::milliseconds{0};
    start();
    submit(1);
    ASSERT_TRUE(drained());
    database->fail_next_writes(1, errc::storage_full);
    submit(2);
    ASSERT_TRUE(sink.await(2));
    EXPECT_EQ(sink.all()[1].outcome.fate, Fate::refused);
    EXPECT_EQ(sink.all()[1].outcome.failure->code, errc::storage_full);
    expect_conservation();
}

TEST_F(PoolTest, KeepsTryingWhenTheSchemaIsMissing) {
    database->go_down({errc::schema_mismatch, "no table mqtt_msg"});
    start();
    submit(1);
    ASSERT_TRUE(database->await_opens(6));
    EXPECT_EQ(pool->state(), PoolState::degraded);
    EXPECT_THAT(pool->last_error(), HasSubstr("no table mqtt_msg"));
    database->come_back();
    ASSERT_TRUE(drained());
    EXPECT_EQ(rule.stats.committed, 1U);
}

// --- permanent ----------------------------------------------------------------------------------

TEST_F(PoolTest, APoisonRowGoesToTheDeadLettersAndBlocksNothing) {
    database->poison(dislike({7, 13}));
    start();
    plug();
    for (std::uint64_t i = 1; i <= 20; ++i) submit(i);
    database->release_writes();
    ASSERT_TRUE(drained());

    std::vector<Token> in_order(20);
    for (std::uint64_t i = 0; i < 20; ++i) in_order[i] = i + 1;
    EXPECT_EQ(tokens_of(sink.all()), in_order);
    for (const Completed& one : sink.all()) {
        const bool is_poison = one.token == 7 || one.token == 13;
        EXPECT_EQ(one.outcome.fate, is_poison ? Fate::dead_lettered : Fate::committed);
        EXPECT_EQ(one.outcome.failure.has_value(), is_poison);
    }
    const auto letters = dead_letters.list(10);
    ASSERT_THAT(letters, SizeIs(2));
    EXPECT_EQ(letters[0].pool, "memory pool1");
    EXPECT_EQ(letters[0].rule, "memory message.publish.1");
    EXPECT_EQ(letters[0].op, "store_message");
    EXPECT_EQ(letters[0].payload, "7");
    EXPECT_THAT(letters[0].error, HasSubstr("value 7"));
    EXPECT_EQ(database->stored_messages(), 19U);  // with the plug
    EXPECT_EQ(pool->state(), PoolState::running);
    EXPECT_EQ(rule.stats.errors, 2U);
    expect_conservation();
}

TEST_F(PoolTest, HalvesKeepTheOrderOfCommits) {
    database->poison(dislike({3}));
    start();
    plug();
    for (std::uint64_t i = 1; i <= 6; ++i) submit(i);
    database->release_writes();
    ASSERT_TRUE(drained());
    std::vector<std::string> committed;
    for (const auto& write : database->writes())
        if (!write.failure)
            for (const std::string& payload : payloads_of(write)) committed.push_back(payload);
    EXPECT_THAT(committed, ElementsAre("0", "1", "2", "4", "5", "6"));
}

TEST_F(PoolTest, ATransientFailureWhileHalvingIsRepeated) {
    database->poison(dislike({2}));
    start();
    plug();
    for (std::uint64_t i = 1; i <= 4; ++i) submit(i);
    // Taken by the plug and by the first half that holds no poison.
    database->fail_next_writes(2, errc::connection_lost, Applied::yes);
    database->release_writes();
    ASSERT_TRUE(drained());
    EXPECT_EQ(database->stored_messages(), 4U);
    EXPECT_EQ(dead_letters.count(), 1U);
    EXPECT_EQ(rule.stats.committed, 3U);
    expect_conservation();
}

TEST_F(PoolTest, ABatchThatIsNotDoneInTimeIsDividedUntilItIs) {
    database->poison([slow = 2](const Op& op) mutable -> std::optional<Failure> {
        const auto* store = std::get_if<StoreMessage>(&op);
        if (store == nullptr || store->message->payload != "4" || slow-- <= 0)
            return {};
        return Failure{errc::timed_out, "too much at a time"};
    });
    start();
    plug();
    for (std::uint64_t i = 1; i <= 4; ++i) submit(i);
    database->release_writes();
    ASSERT_TRUE(drained());
    const auto writes = database->writes();
    ASSERT_THAT(writes, SizeIs(6));
    EXPECT_THAT(payloads_of(writes[1]), ElementsAre("1", "2", "3", "4"));
    EXPECT_THAT(payloads_of(writes[2]), ElementsAre("1", "2"));
    EXPECT_THAT(payloads_of(writes[3]), ElementsAre("3", "4"));
    EXPECT_THAT(payloads_of(writes[4]), ElementsAre("3"));
    EXPECT_THAT(payloads_of(writes[5]), ElementsAre("4"));
    for (std::size_t i = 2; i < writes.size(); ++i)
        EXPECT_EQ(writes[i].attempt, Attempt::after_unknown_outcome);
    EXPECT_EQ(rule.stats.committed, 4U);
    EXPECT_EQ(dead_letters.count(), 0U);
    expect_conservation();
}

TEST_F(PoolTest, WhatNoPlaceKeepsIsRefused) {
    database->poison(dislike({1}));
    dead_letters.fail_with(Failure{errc::storage_full, "disk full"});
    start();
    submit(1);
    submit(2);
    ASSERT_TRUE(drained());
    EXPECT_EQ(sink.all()[0].outcome.fate, Fate::refused);
    EXPECT_EQ(sink.all()[0].outcome.failure->code, errc::bad_value);
    EXPECT_EQ(sink.all()[1].outcome.fate, Fate::committed);
    expect_conservation();
}

TEST_F(PoolTest, WhatIsRefusedOnItsOwnIsNotRepeatedWithItsBatch) {
    database->poison(dislike({1, 3, 4}));
    database->refuse_alone();
    start();
    plug();
    for (std::uint64_t i = 1; i <= 6; ++i) submit(i);
    database->release_writes();
    ASSERT_TRUE(drained());
    ASSERT_THAT(database->writes(), SizeIs(2));  // with the plug
    EXPECT_THAT(tokens_of(sink.all()), ElementsAre(1, 2, 3, 4, 5, 6));
    for (const Completed& one : sink.all()) {
        const bool refused = one.token == 1 || one.token == 3 || one.token == 4;
        EXPECT_EQ(one.outcome.fate, refused ? Fate::dead_lettered : Fate::committed);
        EXPECT_EQ(one.outcome.failure.has_value(), refused);
    }
    EXPECT_EQ(dead_letters.count(), 3U);
    EXPECT_EQ(database->stored_messages(), 4U);  // with the plug
    EXPECT_EQ(pool->state(), PoolState::running);
    expect_conservation();
}

TEST_F(PoolTest, WhatIsRefusedOnItsOwnIsFoundAmongMergedMoves) {
    database->poison([](const Op& op) -> std::optional<Failure> {
        if (std::holds_alternative<AdvanceCursor>(op))
            return Failure{errc::bad_value, "no position"};
        return {};
    });
    database->refuse_alone();
    start();
    plug();
    // The first move is left out of the batch, because the second one goes further.
    pool->submit(advance_op("c", 1), {0}, &rule, &sink, 1);
    pool->submit(store_op(2), {0}, &rule, &sink, 2);
    pool->submit(advance_op("c", 2), {0}, &rule, &sink, 3);
    pool->submit(store_op(3), {0}, &rule, &sink, 4);
    database->release_writes();
    ASSERT_TRUE(drained());
    std::vector<Fate> fates;
    for (const Completed& one : sink.all()) fates.push_back(one.outcome.fate);
    EXPECT_THAT(
        fates, ElementsAre(Fate::committed, Fate::committed, Fate::dead_lettered, Fate::committed));
    expect_conservation();
}

// --- queries ------------------------------------------------------------------------------------

TEST_F(PoolTest, AQueryIsRepeatedUntilItIsAnswered) {
    database->fail_next_reads(3, errc::timed_out);
    start();
    pool->query(fetch_query(), {0}, &rule, reads, 5);
    ASSERT_TRUE(reads.await(1));
    EXPECT_EQ(reads.all()[0].token, 5U);
    EXPECT_EQ(reads.all()[0].outcome.fate, Fate::committed);
    EXPECT_EQ(pool->stats().query_errors, 3U);
    EXPECT_EQ(rule.stats.errors, 3U);
}

TEST_F(PoolTest, AQueryThatCanNeverRunIsRefused) {
    database->fail_next_reads(1, errc::bad_statement);
    start();
    pool->query(fetch_query(), {0}, nullptr, reads, 5);
    ASSERT_TRUE(reads.await(1));
    EXPECT_EQ(reads.all()[0].outcome.fate, Fate::refused);
    EXPECT_EQ(reads.all()[0].outcome.failure->code, errc::bad_statement);
    EXPECT_TRUE(drained());
}

TEST_F(PoolTest, ACancelledQueryHasNoOutcome) {
    database->go_down();
    start();
    ASSERT_TRUE(database->await_opens(2));
    pool->query(fetch_query(), {0}, nullptr, reads, 1);
    pool->query(fetch_query(), {0}, nullptr, reads, 2);
    pool->cancel(reads, 1);
    pool->cancel(sink, 2);
    database->come_back();
    ASSERT_TRUE(drained());
    EXPECT_THAT(tokens_of(reads.all()), ElementsAre(2U));
}

}  // namespace
}  // namespace keepmq::store::testing
