// A database that changes its mind all the time, several submitters, now and then a new process:
// whatever comes, each key keeps its order and nothing is lost.

#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <set>

#include "spool_support.hpp"

namespace keepmq::store::testing {
namespace {

class SpoolChaosTest : public SpoolerTest, public ::testing::WithParamInterface<unsigned> {
  protected:
    static constexpr std::uint64_t threads = 3;
    static constexpr std::uint64_t keys = 7;

    /// Numbers of one submitter have topics of its own, so their order is known.
    void submit_some(std::uint64_t thread, std::uint64_t first, std::uint64_t last) {
        std::minstd_rand random{static_cast<unsigned>(seed + thread * 31 + first)};
        for (std::uint64_t i = first; i <= last; ++i) {
            const std::uint64_t number = i * threads + thread + 1;
            const std::uint64_t key = thread * keys + random() % keys;
            const bool after_all = random() % 50 == 0;
            pool->submit(store_op(number, "k" + std::to_string(key)),
                         {key, after_all},
                         &rule,
                         &sink,
                         number);
            if (random() % 40 == 0)
                pool->query(fetch_query("none"), {key, random() % 4 == 0}, nullptr, reads, number);
            if (random() % 20 == 0)
                std::this_thread::sleep_for(std::chrono::milliseconds{random() % 6});
        }
    }

    void change(std::minstd_rand& random) const {
        switch (random() % 8) {
            case 0:
                return database->go_down();
            case 1:
                return database->hold_writes();
            case 2:
                return database->slow_down(std::chrono::milliseconds{random() % 15});
            case 3:
                return database->fail_next_writes(
                    1 + random() % 3,
                    random() % 2 == 0 ? errc::connection_lost : errc::timed_out,
                    random() % 2 == 0 ? Applied::yes : Applied::no);
            default:
                return calm();
        }
    }
    void calm() const {
        database->come_back();
        database->release_writes();
        database->slow_down(std::chrono::milliseconds{0});
    }

    /// Submits from all threads while the database misbehaves.
    void storm(std::uint64_t first, std::uint64_t last) {
        std::atomic<std::uint64_t> running{threads};
        std::vector<std::thread> submitters;
        for (std::uint64_t thread = 0; thread < threads; ++thread)
            submitters.emplace_back([this, thread, first, last, &running] {
                submit_some(thread, first, last);
                --running;
            });
        std::minstd_rand random{static_cast<unsigned>(seed + first)};
        while (running > 0) {
            change(random);
            std::this_thread::sleep_for(std::chrono::milliseconds{random() % 12});
        }
        for (std::thread& submitter : submitters) submitter.join();
    }

    /// At least these are in the spool.
    void outage(std::uint64_t first, std::uint64_t last) {
        calm();
        database->go_down();
        const std::uint64_t before = pool->spool()->written;
        submit_some(0, first, last);
        ASSERT_TRUE(until([&] { return pool->spool()->written > before; })) << "seed " << seed;
    }

    /// In the order in which they came into the table: writing an id again changes nothing there.
    void expect_all_in_order(std::uint64_t count) {
        pool->query(fetch_query(), {0, true}, nullptr, table, 1);
        ASSERT_TRUE(table.await(1));
        std::map<std::string, std::uint64_t> newest;
        const auto answers = table.all();
        const auto& page = std::get<MessagePage>(answers[0].outcome.reply);
        for (const MessagePtr& one : page.messages) {
            auto& before = newest[one->topic.str()];
            EXPECT_GT(one->id.high(), before) << one->topic.str() << " seed " << seed;
            before = one->id.high();
        }
        EXPECT_EQ(page.messages.size(), count) << "seed " << seed;
    }

    const unsigned seed = GetParam();
    CollectingSink table;
};

TEST_P(SpoolChaosTest, KeepsTheOrderOfEachKeyAndLosesNothing) {
    RecordProperty("seed", static_cast<int>(seed));
    settings.spool.after = std::chrono::milliseconds{4};
    settings.max_batch = 20;
    start(3, 2);
    storm(0, 499);
    outage(500, 519);
    // A clean end in the middle, then the next process.
    ASSERT_TRUE(drained());
    restart(3, 2);
    storm(520, 999);
    outage(1000, 1019);
    calm();
    ASSERT_TRUE(until([&] { return pool->stats().committed == pool->stats().accepted.load(); }));
    ASSERT_TRUE(becomes_direct()) << "seed " << seed;
    ASSERT_TRUE(drained());
    const std::uint64_t count = 2 * 20 + (500 + 480) * threads;
    const auto outcomes = sink.all();
    EXPECT_EQ(outcomes.size(), count) << "one outcome each, seed " << seed;
    std::set<Token> tokens;
    for (const Completed& one : outcomes) {
        tokens.insert(one.token);
        EXPECT_NE(one.outcome.fate, Fate::refused) << "seed " << seed;
    }
    EXPECT_EQ(tokens.size(), outcomes.size());
    expect_all_in_order(count);
    expect_law();
}

INSTANTIATE_TEST_SUITE_P(Seeds, SpoolChaosTest, ::testing::Values(1U, 2U, 3U, 20261129U));

TEST_F(SpoolerTest, ItComesToAnEndUnderContinuousLoad) {
    start(2, 1);
    begin_to_spool(1);
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> submitted{1};
    std::vector<std::thread> submitters;
    for (std::size_t key = 0; key < 2; ++key)
        submitters.emplace_back([&, key] {
            while (!over) {
                submit(++submitted, key);
                // Sinks are the measure of what a broker does: it waits for acknowledgements.
                // With ten times as many under way a fast disk may take them faster than the spool
                // drains.
                while (!over && submitted - sink.count() > 20) std::this_thread::yield();
            }
        });
    EXPECT_TRUE(until([&] { return submitted > 5000; }));
    database->come_back();
    EXPECT_TRUE(until([&] { return !spooling(); })) << "while it goes on";
    over = true;
    for (std::thread& submitter : submitters) submitter.join();
    ASSERT_TRUE(becomes_direct());
    ASSERT_TRUE(drained());
    EXPECT_EQ(database->stored_messages(), submitted);
    expect_law();
}

}  // namespace
}  // namespace keepmq::store::testing
