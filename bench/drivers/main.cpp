// Messages per second that a client library alone puts into the tables of KeepMQ: rows made in
// memory, several connections, a commit for each batch, no broker. store.py holds a backend against
// it.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <thread>
#include <vector>

#include "drivers.hpp"

namespace drivers {
namespace {

constexpr std::size_t payload_bytes = 64;
constexpr std::size_t topics = 50;  // as many as store.py has publishers

const std::map<std::string_view, Insert (*)(const Target&)> libraries{
#ifdef KEEPMQ_WITH_SQLITE
    {"sqlite", open_sqlite},
#endif
#ifdef KEEPMQ_WITH_PGSQL
    {"pgsql", open_pgsql},
#endif
#ifdef KEEPMQ_WITH_MYSQL
    {"mysql", open_mysql},
#endif
#ifdef KEEPMQ_WITH_REDIS
    {"redis", open_redis},
#endif
#ifdef KEEPMQ_WITH_MONGO
    {"mongo", open_mongo},
#endif
#ifdef KEEPMQ_WITH_CASSA
    {"cassa", open_cassandra},
#endif
};

struct Lane {
    std::size_t number, count;
};

/// As in a pool, each topic belongs to one connection.
void fill(std::vector<Row>& rows, std::uint64_t first, const Lane& lane) {
    using namespace std::chrono;
    const auto now = floor<microseconds>(system_clock::now());
    const auto arrived = fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}",
                                     fmt::gmtime(system_clock::to_time_t(now)),
                                     (now.time_since_epoch() % 1s).count());
    const auto own = (topics - lane.number + lane.count - 1) / lane.count;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto topic = lane.number + lane.count * (i % own);
        rows[i] = {fmt::format("{:020}", first + i),
                   fmt::format("bench/{}", topic),
                   fmt::format("bench-p{}", topic),
                   std::string(payload_bytes, 'x'),
                   arrived};
    }
}

using Clock = std::chrono::steady_clock;

struct Counts {
    std::atomic<std::uint64_t> numbers;  ///< of message ids
    std::atomic<std::uint64_t> committed;
};

void insert_until(
    Clock::time_point end, const Insert& insert, std::size_t batch, Lane lane, Counts& counts) {
    std::vector<Row> rows(batch);
    while (Clock::now() < end) {
        fill(rows, counts.numbers.fetch_add(batch), lane);
        insert(rows);
        counts.committed += batch;
    }
}

template <class T>
T number(const char* text) {
    T value{};
    const std::string_view all{text};
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    require(error == std::errc{} && end == all.data() + all.size(),
            "not a number: " + std::string{all});
    return value;
}

void measure(std::span<char*> words) {
    const auto found = libraries.find(words[0]);
    require(found != libraries.end(), fmt::format("built without {}", words[0]));
    const auto lanes = number<std::size_t>(words[3]);
    require(lanes > 0 && lanes <= topics, "connections: 1 to 50");
    const Target target{words[1], number<std::uint16_t>(words[2]), number<std::size_t>(words[4])};
    std::vector<Insert> inserts;
    for (std::size_t i = 0; i < lanes; ++i) inserts.push_back(found->second(target));

    Counts counts{};
    std::vector<std::exception_ptr> failures(lanes);
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::milliseconds{
                                 static_cast<std::int64_t>(1000 * number<double>(words[5]))};
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < lanes; ++i)
            threads.emplace_back([&, i] {
                try {
                    insert_until(end, inserts[i], target.batch, {i, lanes}, counts);
                } catch (...) {
                    failures[i] = std::current_exception();
                }
            });
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    for (const auto& failure : failures)
        if (failure)
            std::rethrow_exception(failure);
    std::cout << fmt::format(
        "{{\"rows\": {}, \"seconds\": {:.6f}}}\n", counts.committed.load(), took.count());
}

}  // namespace
}  // namespace drivers

int main(int argc, char** argv) {
    if (argc != 7) {
        std::cerr << "usage: driver_rate sqlite|redis|mysql|pgsql|mongo|cassa HOST|FILE PORT "
                     "CONNECTIONS BATCH "
                     "SECONDS\n";
        return 2;
    }
    try {
        drivers::measure({argv + 1, 6});
    } catch (const std::exception& problem) {
        std::cerr << "driver_rate: " << problem.what() << '\n';
        return 1;
    }
    return 0;
}
