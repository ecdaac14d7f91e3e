// Batches, user statements, connections, and the backend behind a pool.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/pool.hpp"
#include "store/testing/backend_contract.hpp"
#include "store/testing/collecting_sink.hpp"
#include "store/testing/contract_parts.hpp"
#include "store/testing/memory_dead_letters.hpp"

namespace keepmq::store::testing {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void keep_contract_batches() {}

TEST_P(BackendContract, AnEmptyBatchIsFine) {
    write({});
}

TEST_P(BackendContract, TakesOneBatchOfEveryKind) {
    if (!can_.retained_apart)
        GTEST_SKIP();
    const auto made = message("all/kinds", "m");
    const ClientId client{"c"};
    const WallTime at = tick();
    write({ClientOnline{client, "n", at},
           StoreMessage{made, Keep::all, {}},
           StoreMessage{message("all/latest", "l"), Keep::latest, {}},
           StoreRetained{made, {}},
           StoreRetained{message("all/gone", "g"), {}},
           DeleteRetained{TopicName{"all/gone"}},
           InitCursor{client, TopicFilter{"all/kinds"}, FetchFrom::earliest, at},
           AdvanceCursor{client, made->topic, made->id, at},
           DeleteCursor{client, TopicFilter{"all/kinds"}},
           RemoveMessage{made->topic, made->id},
           ClientOffline{client, "n", tick(), at}});
    EXPECT_THAT(fetch("c", "all/#", FetchMode::queue), ElementsAre("l"));
    EXPECT_THAT(retained("all/#"), ElementsAre("m"));
}

TEST_P(BackendContract, TakesALargeBatch) {
    std::vector<Op> ops;
    for (int i = 0; i < 1000; ++i)
        ops.emplace_back(StoreMessage{message("large/batch", std::to_string(i)), Keep::all, {}});
    write(std::move(ops));
    const auto found = fetch("c", "large/batch");
    ASSERT_EQ(found.size(), 1000U);
    EXPECT_EQ(found.back(), "999");
}

TEST_P(BackendContract, ARefusedOperationFailsItsBatchPermanently) {
    if (!can_.refuses_operations || can_.refuses_alone)
        GTEST_SKIP();
    const auto poison = subject_->poison();
    ASSERT_TRUE(poison);
    const std::vector<Op> batch{StoreMessage{message("p", "before"), Keep::all, {}},
                                *poison,
                                StoreMessage{message("p", "after"), Keep::all, {}},
                                StoreRetained{message("p", "r"), {}}};
    const auto failure = try_write(batch);
    ASSERT_TRUE(failure);
    EXPECT_TRUE(is_permanent(failure->code)) << make_error_code(failure->code).message();
    EXPECT_FALSE(failure->text.empty());
    if (can_.atomic_batches) {
        EXPECT_THAT(fetch("c", "p"), IsEmpty());
        EXPECT_THAT(retained("p"), IsEmpty());
    }
    // The connection goes on as if nothing had been; what may have stayed is not doubled.
    write({batch[0], batch[2]},
          can_.atomic_batches ? Attempt::first : Attempt::after_unknown_outcome);
    EXPECT_THAT(fetch("c", "p"), ElementsAre("before", "after"));
    const auto alone = try_write({*poison});
    ASSERT_TRUE(alone);
    EXPECT_TRUE(is_permanent(alone->code));
}

TEST_P(BackendContract, ARefusedOperationLeavesTheRestOfItsBatchCommitted) {
    if (!can_.refuses_alone)
        GTEST_SKIP();
    const auto poison = subject_->poison();
    ASSERT_TRUE(poison);
    expect_refused_alone({StoreMessage{message("p", "before"), Keep::all, {}},
                          *poison,
                          StoreMessage{message("p", "after"), Keep::all, {}}},
                         1);
    EXPECT_THAT(fetch("c", "p"), ElementsAre("before", "after"));
    expect_refused_alone({*poison}, 0);
    store("p", "next");
    EXPECT_TRUE(writer_->take_refused().empty());
    EXPECT_THAT(fetch("c", "p"), ElementsAre("before", "after", "next"));
}

TEST_P(BackendContract, BindsTheValuesOfStatements) {
    if (!can_.executes_statements)
        GTEST_SKIP();
    const auto statements = subject_->sample_statements();
    ASSERT_TRUE(statements);
    const std::string bytes("\0'\"\\\xff${x}", 9);
    write({Execute{statements,
                   {std::string{"it's"}, Bytes{bytes}, std::string{"it's"}, Bytes{"second"}}},
           Execute{statements, {std::string{"null"}, {}, std::string{"null"}, Bytes{""}}}});
    EXPECT_EQ(subject_->sample_value("it's"), bytes);
    EXPECT_EQ(subject_->sample_value("it's.2"), "second");
    EXPECT_EQ(subject_->sample_value("null"), std::nullopt);
}

TEST_P(BackendContract, StatementsAndOperationsCommitTogether) {
    if (!can_.executes_statements || !can_.refuses_operations || !can_.atomic_batches)
        GTEST_SKIP();
    const auto statements = subject_->sample_statements();
    const Op execute =
        Execute{statements, {std::string{"k"}, Bytes{"v"}, std::string{"k"}, Bytes{"w"}}};
    ASSERT_TRUE(
        try_write({execute, StoreMessage{message("s", "m"), Keep::all, {}}, *subject_->poison()}));
    EXPECT_EQ(subject_->sample_value("k"), std::nullopt);
    write({execute, StoreMessage{message("s", "m"), Keep::all, {}}});
    EXPECT_EQ(subject_->sample_value("k"), "v");
    EXPECT_THAT(fetch("c", "s"), ElementsAre("m"));
}

// --- connections --------------------------------------------------------------------------------

TEST_P(BackendContract, WhatIsCommittedIsThereAfterReopening) {
    const auto first = store("d/a", "1");
    const auto second = store("d/a", "2");
    write(
        {StoreRetained{second, {}}, AdvanceCursor{ClientId{"c"}, first->topic, first->id, tick()}});
    reopen();
    EXPECT_THAT(fetch("c", "d/a"), ElementsAre("2"));
    EXPECT_THAT(fetch("x", "d/a"), ElementsAre("1", "2"));
    EXPECT_THAT(retained("d/a"), ElementsAre("2"));
    store("d/a", "3");
    EXPECT_THAT(fetch("c", "d/a"), ElementsAre("2", "3"));
}

TEST_P(BackendContract, OpenConnectsAgain) {
    store("o", "1");
    for (Connection* connection : {writer_.get(), reader_.get()}) {
        const auto failure = connection->open();
        ASSERT_FALSE(failure) << failure->text;
    }
    store("o", "2");
    EXPECT_THAT(fetch("c", "o"), ElementsAre("1", "2"));
}

TEST_P(BackendContract, AnInterruptWithNothingUnderWayIsHarmlessAfterOpen) {
    writer_->interrupt();
    reader_->interrupt();
    ASSERT_FALSE(writer_->open());
    ASSERT_FALSE(reader_->open());
    store("i", "1");
    EXPECT_THAT(fetch("c", "i"), ElementsAre("1"));
}

TEST_P(BackendContract, TheSchemaIsCompleteAndMakingItAgainIsHarmless) {
    store("s", "1");
    EXPECT_TRUE(backend_->check_schema().ok());
    const auto failure = backend_->create_schema();
    EXPECT_FALSE(failure) << failure->text;
    EXPECT_TRUE(backend_->check_schema().ok());
    EXPECT_THAT(fetch("c", "s"), ElementsAre("1"));
    EXPECT_FALSE(backend_->durability().empty());
}

// --- behind a pool ------------------------------------------------------------------------------

TEST_P(BackendContract, APoolKeepsOrderAndReadsItsOwnWrites) {
    constexpr std::size_t topics = 5;
    constexpr std::size_t each = 100;
    CollectingSink writes;
    CollectingSink reads;
    MemoryDeadLetters dead_letters;
    Pool pool{{"contract", "pool"}, backend_, dead_letters};
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < each; ++i) {
        expected.push_back(std::to_string(i));
        for (std::size_t topic = 0; topic < topics; ++topic) {
            const std::string name = "pool/" + std::to_string(topic);
            pool.submit(StoreMessage{message(name, expected.back()), Keep::all, {}},
                        {order_key(name)},
                        nullptr,
                        &writes);
        }
    }
    FetchMessages query;
    query.client = ClientId{"c"};
    query.limit = each + 1;
    for (std::size_t topic = 0; topic < topics; ++topic) {
        query.filter = TopicFilter{"pool/" + std::to_string(topic)};
        pool.query(query, {order_key(query.filter.view())}, nullptr, reads, topic);
    }
    query.filter = TopicFilter{"pool/+"};
    query.limit = each * topics + 1;
    pool.query(query, {0, true}, nullptr, reads, topics);

    ASSERT_TRUE(reads.await(topics + 1));
    ASSERT_TRUE(writes.await(topics * each));
    for (const Completed& read : reads.all()) {
        ASSERT_EQ(read.outcome.fate, Fate::committed);
        const auto* page = std::get_if<MessagePage>(&read.outcome.reply);
        ASSERT_TRUE(page != nullptr);
        if (read.token == topics)
            EXPECT_EQ(page->messages.size(), topics * each);
        else
            EXPECT_EQ(payloads(page->messages), expected);
    }
    for (const Completed& one : writes.all()) EXPECT_EQ(one.outcome.fate, Fate::committed);
    EXPECT_TRUE(pool.drain(std::chrono::steady_clock::now() + std::chrono::seconds{30}));
    EXPECT_EQ(pool.stats().committed, topics * each);
}

}  // namespace keepmq::store::testing
