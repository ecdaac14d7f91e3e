#include "backends/mongo/numbers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "backends/mongo/records.hpp"
#include "backends/mongo/translate.hpp"

namespace keepmq::mongo {

using store::errc;
using store::Failure;

std::variant<std::int64_t, Failure> newest_id(Connection& connection, const Find& find) {
    auto found = connection.find(find);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    const auto& documents = std::get<std::vector<std::string>>(found);
    return documents.empty() ? 0 : number_of(documents.front());
}

void Numbers::begin_turn(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [this] { return !busy_; });
    busy_ = true;
}

void Numbers::end_turn() {
    busy_ = false;
    changed_.notify_all();
}

std::variant<std::int64_t, Failure> Numbers::take(Connection& connection, std::size_t count) {
    Request own{count, {}};
    std::unique_lock lock{mutex_};
    waiting_.push_back(&own);
    changed_.wait(lock, [&] { return own.first || !busy_; });
    if (own.first)
        return *own.first;
    begin_turn(lock);
    const auto served = std::exchange(waiting_, {});
    std::size_t sum = 0;
    for (const auto* const request : served) sum += request->count;
    lock.unlock();
    auto taken = advance(connection, sum);
    lock.lock();
    if (auto* const failure = std::get_if<Failure>(&taken)) {
        // It is about this connection; the others have theirs.
        std::ranges::copy_if(served, std::back_inserter(waiting_), [&](const Request* request) {
            return request != &own;
        });
        end_turn();
        return std::move(*failure);
    }
    auto next = std::get<std::int64_t>(taken);
    for (auto* const request : served) {
        request->first = next;
        next += static_cast<std::int64_t>(request->count);
    }
    end_turn();
    return *own.first;
}

std::variant<std::int64_t, Failure> Numbers::advance(Connection& connection, std::size_t count) {
    constexpr int most_attempts = 5;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto reply = connection.run(take_ids(count));
        if (auto* const failure = std::get_if<Failure>(&reply))
            return std::move(*failure);
        const auto counter = find(std::get<std::string>(reply), "value");
        if (counter && counter->kind == Kind::document) {
            const auto last = number_of(counter->value, "seq");
            const auto first = last - static_cast<std::int64_t>(count) + 1;
            if (first > highest_) {
                highest_ = last;
                return first;
            }
        }
        // A database that EMQ X has filled has no counter: it begins after the newest message.
        if (auto failure = move_on(connection))
            return std::move(*failure);
    }
    return Failure{errc::busy, "the counter in mqtt_counters does not grow"};
}

std::optional<Failure> Numbers::skip_used(Connection& connection) {
    std::unique_lock lock{mutex_};
    begin_turn(lock);
    lock.unlock();
    auto failure = move_on(connection);
    lock.lock();
    end_turn();
    return failure;
}

std::optional<Failure> Numbers::move_on(Connection& connection) {
    auto newest = newest_id(connection, find_newest_of_all());
    if (auto* const failure = std::get_if<Failure>(&newest))
        return std::move(*failure);
    auto written =
        connection.write(counter_after(std::max(highest_, std::get<std::int64_t>(newest))));
    if (auto* const failure = std::get_if<Failure>(&written))
        return std::move(*failure);
    return std::nullopt;  // a refusal: another broker was faster
}

}  // namespace keepmq::mongo
