// Rows per second through one connection to MariaDB or MySQL: the path of a stored QoS 1 message.
// The servers are those of the tests: eval "$(tools/servers env)".

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "backends/mysql/backend.hpp"
#include "model/message.hpp"
#include "store/connection.hpp"

namespace keepmq {
namespace {

constexpr std::size_t payload_bytes = 64;
constexpr std::size_t topics = 1000;

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

/// Null if the server is not there. Uses the database `mqtt`, which the tests do not use.
std::unique_ptr<store::Connection> open_writer(const char* variable) {
    const char* const server = std::getenv(variable);
    if (server == nullptr)
        return nullptr;
    store::PoolConf conf{"mysql", "bench", {}, {}, {}};
    for (const auto& [name, value] : {std::pair{"server", server},
                                      std::pair{"user", "mqtt"},
                                      std::pair{"password", "mqtt"},
                                      std::pair{"database", "mqtt"}})
        conf.entries[name] = {value, {}};
    Diagnostics diagnostics;
    const auto backend = mysql::descriptor().configure(conf, diagnostics);
    if (!backend || backend->create_schema())
        return nullptr;
    auto writer = backend->connect(store::Role::writer);
    return writer->open() ? nullptr : std::move(writer);
}

void write_batches(benchmark::State& state, const char* variable, bool acknowledge) {
    const auto writer = open_writer(variable);
    if (!writer)
        return state.SkipWithError("cannot open the database");
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
        if (const auto failure = writer->write(batch, store::Attempt::first))
            return state.SkipWithError(failure->text.c_str());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(number));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1)->Arg(100)->Arg(1000)->UseRealTime();
}

BENCHMARK_CAPTURE(write_batches, store_mariadb, "KEEPMQ_TEST_MARIADB", false)->Apply(sizes);
BENCHMARK_CAPTURE(write_batches, store_mysql, "KEEPMQ_TEST_MYSQL", false)->Apply(sizes);
BENCHMARK_CAPTURE(write_batches, store_and_acknowledge_mariadb, "KEEPMQ_TEST_MARIADB", true)
    ->Apply(sizes);
BENCHMARK_CAPTURE(write_batches, store_and_acknowledge_mysql, "KEEPMQ_TEST_MYSQL", true)
    ->Apply(sizes);

}  // namespace
}  // namespace keepmq
