// Rows per second through one SQLite connection: the path of a stored QoS 1 message.
// Directory of the file: $KEEPMQ_BENCH_DIR, else the temporary directory.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backends/sqlite/backend.hpp"
#include "base/testing/temp_dir.hpp"
#include "model/message.hpp"
#include "store/connection.hpp"
#include "store/dead_letters.hpp"
#include "store/pool.hpp"
#include "store/testing/memory_dead_letters.hpp"

namespace keepmq {
namespace {

constexpr std::size_t payload_bytes = 64;
constexpr std::size_t topics = 1000;

/// One file in an empty directory that is removed at the end.
class Bed {
  public:
    explicit Bed(const char* synchronous) : directory_{parent()} {
        store::PoolConf conf{"sqlite", "bench", {}, directory_.path()};
        conf.entries["synchronous"] = {synchronous, {}};
        Diagnostics diagnostics;
        backend_ = sqlite::descriptor().configure(conf, diagnostics);
        ok_ = backend_ && !backend_->create_schema();
        writer_ = backend_->connect(store::Role::writer);
        ok_ = ok_ && !writer_->open();
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] store::Connection& writer() { return *writer_; }
    [[nodiscard]] std::shared_ptr<const store::Backend> backend() const { return backend_; }

  private:
    static std::filesystem::path parent() {
        const char* const chosen = std::getenv("KEEPMQ_BENCH_DIR");
        return chosen != nullptr ? chosen : std::filesystem::temp_directory_path();
    }

    TempDir directory_;  // first: goes when all that uses it is gone
    std::shared_ptr<const store::Backend> backend_;
    std::unique_ptr<store::Connection> writer_;
    bool ok_ = false;
};

MessagePtr next_message(MessageIdSource& ids, std::size_t number) {
    auto message = std::make_shared<Message>();
    message->at = read_clocks().wall;
    message->id = ids.next(message->at);
    message->topic = TopicName{"site/7/device/" + std::to_string(number % topics) + "/state"};
    message->sender = ClientId{"device-" + std::to_string(number % topics)};
    message->qos = Qos::at_least_once;
    message->payload = std::string(payload_bytes, 'x');
    return message;
}

void write_batches(benchmark::State& state, const char* synchronous, bool acknowledge) {
    Bed bed{synchronous};
    if (!bed.ok())
        return state.SkipWithError("cannot open the file");
    const auto batch_size = static_cast<std::size_t>(state.range(0));
    MessageIdSource ids{1};
    std::size_t number = 0;
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<store::Op> ops;
        for (std::size_t i = 0; i < batch_size; ++i) {
            const auto message = next_message(ids, number++);
            ops.emplace_back(store::StoreMessage{message, store::Keep::all, {}});
            if (acknowledge)
                ops.emplace_back(store::AdvanceCursor{
                    ClientId{"reader"}, message->topic, message->id, message->at});
        }
        std::vector<const store::Op*> batch;
        for (const auto& op : ops) batch.push_back(&op);
        state.ResumeTiming();
        if (const auto failure = bed.writer().write(batch, store::Attempt::first))
            return state.SkipWithError(failure->text.c_str());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
}

BENCHMARK_CAPTURE(write_batches, store_full, "full", false)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK_CAPTURE(write_batches, store_normal, "normal", false)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK_CAPTURE(write_batches, store_and_acknowledge_full, "full", true)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime();

/// Outcomes as they come from the pool; the shard's mailbox in little.
class CountingSink final : public store::CompletionSink {
  public:
    void completed(std::vector<store::Completed>&& batch) override {
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

/// As a shard does it: messages are made and submitted while the lane commits. At most
/// `range(0)` are not settled at any time, as with that many publishers that wait for their PUBACK.
void through_pool(benchmark::State& state) {
    Bed bed{"full"};
    if (!bed.ok())
        return state.SkipWithError("cannot open the file");
    store::testing::MemoryDeadLetters dead_letters;
    store::RuleContext rule{"bench", {}};
    CountingSink sink;
    store::Pool pool{{.kind = "sqlite", .name = "bench"}, bed.backend(), dead_letters};
    const auto window = static_cast<std::uint64_t>(state.range(0));
    MessageIdSource ids{1};
    std::size_t number = 0;
    for (auto _ : state) {
        auto message = next_message(ids, number);
        const auto key = store::order_key(message->topic.view());
        pool.submit(store::StoreMessage{std::move(message), store::Keep::all, {}},
                    {key, false},
                    &rule,
                    &sink,
                    number);
        ++number;
        if (number > window)
            sink.await(number - window);
    }
    sink.await(number);
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
    state.counters["batch"] = static_cast<double>(pool.stats().committed) /
                              static_cast<double>(std::max<std::uint64_t>(1, pool.stats().batches));
    state.counters["commit_us_p50"] = static_cast<double>(pool.stats().commit_micros.quantile(0.5));
}
BENCHMARK(through_pool)->Arg(100)->Arg(5000)->MinTime(2)->UseRealTime();

}  // namespace
}  // namespace keepmq
