#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "store/pool.hpp"
#include "store/testing/collecting_sink.hpp"
#include "store/testing/memory_backend.hpp"
#include "store/testing/memory_dead_letters.hpp"

namespace keepmq::store::testing {

inline MessagePtr message(std::uint64_t number, std::string_view topic = "t") {
    auto made = std::make_shared<Message>();
    made->id = MessageId{number, 1};
    made->topic = TopicName{topic};
    made->payload = std::to_string(number);
    return made;
}

inline Op store_op(std::uint64_t number, std::string_view topic = "t") {
    return StoreMessage{message(number, topic), Keep::all, {}};
}

inline Op advance_op(std::string_view client, std::uint64_t number, std::string_view topic = "t") {
    return AdvanceCursor{ClientId{client}, TopicName{topic}, MessageId{number, 1}, WallTime{}};
}

inline Query fetch_query(std::string_view filter = "#") {
    FetchMessages query;
    query.client = ClientId{"c"};
    query.filter = TopicFilter{filter};
    query.mode = FetchMode::queue;
    query.limit = 100'000;
    return query;
}

/// Payloads of the page in an outcome.
inline std::vector<std::string> page_of(const Completed& completed) {
    std::vector<std::string> found;
    if (const auto* page = std::get_if<MessagePage>(&completed.outcome.reply))
        for (const MessagePtr& one : page->messages) found.push_back(one->payload);
    return found;
}

inline std::vector<std::string> payloads_of(const MemoryDatabase::Write& write) {
    std::vector<std::string> found;
    for (const Op& op : write.ops)
        if (const auto* store = std::get_if<StoreMessage>(&op))
            found.push_back(store->message->payload);
    return found;
}

inline std::vector<Token> tokens_of(const std::vector<Completed>& completed) {
    std::vector<Token> tokens;
    for (const Completed& one : completed) tokens.push_back(one.token);
    return tokens;
}

/// A pool on a memory database, with retries so quick that a test need not wait for them.
class PoolTest : public ::testing::Test {
  protected:
    PoolTest() {
        settings.kind = "memory";
        settings.name = "pool1";
        settings.retry_first = std::chrono::milliseconds{1};
        settings.retry_limit = std::chrono::milliseconds{1};
        settings.give_up_after = std::chrono::hours{1};
    }

    void start(std::size_t lanes = 1, std::size_t readers = 1) {
        pool = std::make_unique<Pool>(
            settings, std::make_shared<MemoryBackend>(database, lanes, readers), dead_letters);
    }

    /// Token = number of the message; key = number of the lane.
    void submit(std::uint64_t number, std::size_t key = 0) {
        pool->submit(store_op(number, "t" + std::to_string(key)), {key}, &rule, &sink, number);
    }

    /// Blocks the lane of key 0 in the database with one write, message 0 of the topic `plug`.
    void plug() {
        database->hold_writes();
        pool->submit(store_op(0, "plug"), {0}, nullptr);
        ASSERT_TRUE(database->await_held_writes(1));
    }

    [[nodiscard]] bool drained() const {
        return pool->drain(std::chrono::steady_clock::now() + std::chrono::seconds{30});
    }

    void expect_conservation() const {
        const PoolStats& stats = pool->stats();
        EXPECT_EQ(stats.accepted,
                  stats.committed + stats.dead_lettered + stats.refused + stats.queued);
        EXPECT_EQ(rule.stats.accepted,
                  rule.stats.committed + rule.stats.dead_lettered + rule.stats.refused);
    }

    std::shared_ptr<MemoryDatabase> database = std::make_shared<MemoryDatabase>();
    MemoryDeadLetters dead_letters;
    PoolSettings settings;
    RuleContext rule{"memory message.publish.1", {}};
    CollectingSink sink;
    CollectingSink reads;
    std::unique_ptr<Pool> pool;  // last: ends before what it posts to
};

}  // namespace keepmq::store::testing
