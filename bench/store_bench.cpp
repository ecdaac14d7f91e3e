// What a pool costs: from `submit` to the outcome, with a database that takes no time.

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "model/message.hpp"
#include "store/dead_letters.hpp"
#include "store/pool.hpp"
#include "store/testing/memory_dead_letters.hpp"

namespace keepmq::store {
namespace {

class NullConnection final : public Connection {
  public:
    std::optional<Failure> open() override { return {}; }
    std::optional<Failure> write(std::span<const Op* const>, Attempt) override { return {}; }
    std::variant<Reply, Failure> read(const Query&) override { return Reply{MessagePage{}}; }
};

class NullBackend final : public Backend {
  public:
    explicit NullBackend(std::size_t lanes) : lanes_{lanes} {}
    std::unique_ptr<Connection> connect(Role) const override {
        return std::make_unique<NullConnection>();
    }
    std::size_t lanes() const override { return lanes_; }
    std::size_t readers() const override { return 1; }
    std::string durability() const override { return "none"; }
    std::string schema_script() const override { return {}; }
    SchemaReport check_schema() const override { return {}; }
    std::optional<Failure> create_schema() const override { return {}; }
    bool auto_create_schema() const override { return false; }
    std::optional<Failure> try_statement(const Statement&) const override { return {}; }
    std::string placeholder(std::size_t) const override { return "?"; }

  private:
    std::size_t lanes_;
};

class CountingSink final : public CompletionSink {
  public:
    void completed(std::vector<Completed>&& batch) override {
        count_.fetch_add(batch.size(), std::memory_order_release);
        count_.notify_one();
    }
    void await(std::uint64_t count) {
        for (auto seen = count_.load(std::memory_order_acquire); seen < count;
             seen = count_.load(std::memory_order_acquire))
            count_.wait(seen);
    }

  private:
    std::atomic<std::uint64_t> count_{0};
};

/// Messages of many topics, made once: only the pool is measured.
std::vector<MessagePtr> make_messages() {
    std::vector<MessagePtr> messages;
    for (std::size_t i = 0; i < 1000; ++i) {
        auto message = std::make_shared<Message>();
        message->id = MessageId{1, i};
        message->topic = TopicName{"site/7/device/" + std::to_string(i) + "/state"};
        message->payload = std::string(64, 'x');
        messages.push_back(std::move(message));
    }
    return messages;
}

struct Bed {
    explicit Bed(std::size_t lanes)
        : messages{make_messages()},
          pool{{.kind = "null", .name = "bench"},
               std::make_shared<NullBackend>(lanes),
               dead_letters} {}

    void submit(std::size_t number) {
        const auto& message = messages[number % messages.size()];
        pool.submit(StoreMessage{message, Keep::all, {}},
                    {order_key(message->topic.view()), false},
                    &rule,
                    &sink,
                    number);
    }

    std::vector<MessagePtr> messages;
    testing::MemoryDeadLetters dead_letters;
    RuleContext rule{"bench", {}};
    CountingSink sink;
    Pool pool;
};

/// Bursts as a busy shard makes them; lanes work beside the submitter.
void burst(benchmark::State& state) {
    Bed bed{static_cast<std::size_t>(state.range(0))};
    constexpr std::size_t size = 10'000;
    std::size_t number = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < size; ++i) bed.submit(number++);
        bed.sink.await(number);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
    state.counters["batch"] =
        static_cast<double>(bed.pool.stats().committed) /
        static_cast<double>(std::max<std::uint64_t>(1, bed.pool.stats().batches));
}
BENCHMARK(burst)->Arg(1)->Arg(4)->UseRealTime();

/// One at a time: latency, mostly of two wake-ups.
void one_at_a_time(benchmark::State& state) {
    Bed bed{1};
    std::size_t number = 0;
    for (auto _ : state) {
        bed.submit(number++);
        bed.sink.await(number);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
}
BENCHMARK(one_at_a_time)->UseRealTime();

}  // namespace
}  // namespace keepmq::store
