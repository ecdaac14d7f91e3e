// Matching one topic among many subscriptions: six in ten exact, the others with wildcards, spread
// over tenants and devices as a fleet would be.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <string>
#include <vector>

#include "broker/topic_tree.hpp"

namespace {

using keepmq::broker::Subscriber;
using keepmq::broker::TopicTree;

std::uint64_t scatter(std::uint64_t n) {
    n = (n ^ (n >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    n = (n ^ (n >> 27U)) * 0x94D049BB133111EBULL;
    return n ^ (n >> 31U);
}

std::string device(std::uint64_t n) {
    return "fleet/tenant" + std::to_string(n % 1000) + "/device" + std::to_string(n);
}

std::string filter(std::uint64_t n) {
    switch (n % 10) {
        case 6:
            return "fleet/tenant" + std::to_string(n % 1000) + "/+/events/" + std::to_string(n);
        case 7:
            return device(n) + "/telemetry/+";
        case 8:
            return device(n) + "/config/#";
        case 9:
            return "+/+/device" + std::to_string(n) + "/state";
        default:
            return device(n) + "/commands";
    }
}

Subscriber subscriber(std::uint64_t n) {
    return {reinterpret_cast<keepmq::broker::Session*>((n + 1) * 16), nullptr, nullptr};
}

TopicTree filled(std::uint64_t count) {
    TopicTree tree;
    for (std::uint64_t n = 0; n < count; ++n) tree.insert(filter(n), subscriber(n));
    return tree;
}

void match(benchmark::State& state) {
    const auto count = static_cast<std::uint64_t>(state.range(0));
    const auto before = mallinfo2().uordblks;
    const auto tree = filled(count);
    const auto used = mallinfo2().uordblks - before;
    std::vector<std::string> topics;
    static constexpr const char* ends[] = {
        "/commands", "/telemetry/speed", "/config/a/b", "/state", "/unheard"};
    for (std::uint64_t i = 0; i < 65'536; ++i)
        topics.push_back(device(scatter(i) % count) + ends[i % 5]);

    std::size_t found = 0;
    std::size_t next = 0;
    for (auto _ : state) {
        tree.match(topics[next++ & 0xFFFFU],
                   [&](const Subscriber& s) { found += s.session != nullptr; });
    }
    benchmark::DoNotOptimize(found);
    state.counters["matches"] =
        static_cast<double>(found) / static_cast<double>(state.iterations());
    state.counters["bytes_each"] = static_cast<double>(used) / static_cast<double>(count);
    state.counters["reported_each"] =
        static_cast<double>(tree.memory()) / static_cast<double>(count);
}
BENCHMARK(match)->RangeMultiplier(10)->Range(1'000, 1'000'000);

void subscribe_and_unsubscribe(benchmark::State& state) {
    const auto count = static_cast<std::uint64_t>(state.range(0));
    auto tree = filled(count);
    std::uint64_t n = count;
    for (auto _ : state) {
        const auto text = filter(n);
        tree.insert(text, subscriber(n));
        tree.erase(text, subscriber(n));
        ++n;
    }
}
BENCHMARK(subscribe_and_unsubscribe)->RangeMultiplier(10)->Range(1'000, 1'000'000);

/// One filter with a crowd of subscribers: the cost of a fan-out, for each receiver.
void fan_out(benchmark::State& state) {
    const auto count = static_cast<std::uint64_t>(state.range(0));
    TopicTree tree;
    for (std::uint64_t n = 0; n < count; ++n) tree.insert("news/#", subscriber(n));
    std::size_t found = 0;
    for (auto _ : state)
        tree.match("news/today", [&](const Subscriber& s) { found += s.session != nullptr; });
    benchmark::DoNotOptimize(found);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fan_out)->Arg(1)->Arg(1'000)->Arg(100'000);

}  // namespace
