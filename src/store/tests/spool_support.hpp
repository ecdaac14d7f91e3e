#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "base/testing/temp_dir.hpp"
#include "support.hpp"

namespace keepmq::store::testing {

/// A pool with a spool that begins after a few milliseconds.
class SpoolerTest : public PoolTest {
  protected:
    SpoolerTest() {
        settings.spool.path = folder.file("spool/memory-pool1.db");
        settings.spool.after = std::chrono::milliseconds{20};
        settings.spool.find_rule = [this](std::string_view name) {
            return name == rule.name ? &rule : nullptr;
        };
    }

    /// Ends the pool and begins another one on the same file, as a new process would.
    void restart(std::size_t lanes = 1, std::size_t readers = 1) {
        pool.reset();
        reset(rule.stats);
        start(lanes, readers);
    }

    template <class Condition>
    [[nodiscard]] static bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (!condition())
            if (std::chrono::steady_clock::now() > deadline)
                return false;
            else
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
        return true;
    }
    [[nodiscard]] bool spooling() const { return pool->spool()->spooling; }
    [[nodiscard]] bool becomes_direct() const {
        return until([&] { return !spooling() && pool->spool()->rows == 0; });
    }
    /// The pool spools, and write `number` of topic t0 is durable in it.
    void begin_to_spool(std::uint64_t number = 1) {
        database->go_down();
        submit(number);
        ASSERT_TRUE(sink.await(1));
        ASSERT_TRUE(spooling());
    }

    void expect_law() const {
        const PoolStats& stats = pool->stats();
        EXPECT_EQ(
            stats.accepted,
            stats.committed + stats.spooled + stats.dead_lettered + stats.refused + stats.queued);
        const RuleStats& own = rule.stats;
        EXPECT_EQ(own.accepted, own.committed + own.spooled + own.dead_lettered + own.refused);
    }

    /// Numbers of the messages of each topic in the order in which they were committed.
    [[nodiscard]] std::map<std::string, std::vector<std::uint64_t>> committed() const {
        std::map<std::string, std::vector<std::uint64_t>> found;
        for (const auto& write : database->writes())
            for (const Op& op : write.ops)
                if (const auto* store = std::get_if<StoreMessage>(&op); store && !write.failure)
                    found[store->message->topic.str()].push_back(store->message->id.high());
        return found;
    }

    TempDir folder;

  private:
    static void reset(RuleStats& stats) {
        for (Counter* counter : {&stats.accepted,
                                 &stats.committed,
                                 &stats.dead_lettered,
                                 &stats.refused,
                                 &stats.spooled})
            *counter = 0;
    }
};

}  // namespace keepmq::store::testing
