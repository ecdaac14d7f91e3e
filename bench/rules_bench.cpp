// One message through the rules of the shipped plugin file, and through a statement of the user's.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "config/plugin_conf.hpp"
#include "hooks/rules.hpp"

namespace {

using namespace keepmq;

std::size_t allocations = 0;

std::shared_ptr<const hooks::RuleSet> rules_of(const std::string& rules) {
    const config::PluginConfOptions options{"sqlite", "sqlite", "sql", {"file"}};
    Diagnostics diagnostics;
    const auto conf = config::parse_plugin_conf(
        "backend.sqlite.pool1.file = x\n" + rules, "bench", options, diagnostics);
    store::BackendDescriptor descriptor{};
    descriptor.kind = "sqlite";
    descriptor.statement_member = "sql";
    auto compiled = hooks::RuleSet::compile(conf, descriptor, "keepmq@127.0.0.1", diagnostics);
    if (diagnostics.has_errors())
        std::abort();
    return compiled;
}

std::string line(const std::string& hook, const std::string& topic, const std::string& action) {
    return "backend.sqlite.hook." + hook + " = {\"topic\": \"" + topic + "\", \"action\": {" +
           action + "}, \"pool\": \"pool1\"}\n";
}

std::string shipped() {
    return line("message.publish.1", "#", R"("function": "on_message_publish")") +
           line("message.publish.2", "#", R"("function": "on_message_retain")") +
           line("message.publish.3", "#", R"("function": "on_retain_delete")") +
           line("message.acked.1", "#", R"("function": "on_message_acked")");
}

std::shared_ptr<Message> message_of(Qos qos) {
    auto message = std::make_shared<Message>();
    message->id = MessageId{1'769'860'800'123'456, 7};
    message->topic = TopicName{"fleet/tenant17/device4711/telemetry"};
    message->payload = R"({"celsius": 21.5, "humidity": 40, "at": 1769860800})";
    message->qos = qos;
    message->sender = ClientId{"tenant17-device4711"};
    return message;
}

void publish(benchmark::State& state, const std::string& rules, Qos qos) {
    const auto set = rules_of(rules);
    const auto message = message_of(qos);
    hooks::PublishPlan plan;
    set->on_publish(message, plan);  // the vector keeps its room, as a shard's does
    const auto before = allocations;
    for (auto _ : state) {
        plan.writes.clear();
        set->on_publish(message, plan);
        benchmark::DoNotOptimize(plan.writes.data());
    }
    state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations - before),
                                                       benchmark::Counter::kAvgIterations);
}

void shipped_qos1(benchmark::State& state) {
    publish(state, shipped(), Qos::at_least_once);
}
BENCHMARK(shipped_qos1);

void shipped_qos0(benchmark::State& state) {
    publish(state, shipped(), Qos::at_most_once);
}
BENCHMARK(shipped_qos0);

/// A statement with five short values: each text longer than 15 bytes is one allocation.
void statement(benchmark::State& state) {
    publish(
        state,
        line(
            "message.publish.1",
            "fleet/+/+/telemetry",
            R"x("sql": ["insert into t values(${clientid}, ${topic}, ${qos}, ${payload}, ${ts_us})"])x"),
        Qos::at_least_once);
}
BENCHMARK(statement);

void statement_with_json(benchmark::State& state) {
    publish(
        state,
        line(
            "message.publish.1",
            "fleet/+/+/telemetry",
            R"x("sql": ["insert into t values(${payload.json.celsius}, ${payload.json.humidity})"])x"),
        Qos::at_least_once);
}
BENCHMARK(statement_with_json);

/// Rules for other topics cost a comparison each.
void hundred_rules(benchmark::State& state) {
    std::string rules = shipped();
    for (int i = 10; i < 110; ++i)
        rules += line("message.publish." + std::to_string(i),
                      "fleet/tenant" + std::to_string(1'000 + i) + "/#",
                      R"x("sql": ["select ${topic}"])x");
    publish(state, rules, Qos::at_least_once);
}
BENCHMARK(hundred_rules);

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* place = std::malloc(size))
        return place;
    throw std::bad_alloc{};
}
void operator delete(void* place) noexcept {
    std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
    std::free(place);
}
