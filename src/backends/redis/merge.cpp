#include "backends/redis/merge.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "backends/redis/errors.hpp"
#include "backends/redis/keys.hpp"
#include "base/log.hpp"

namespace keepmq::redis {
namespace {

using store::Failure;

const Log log{"redis"};

/// Commands in one pipeline of reads.
constexpr std::size_t pipeline = 1000;
/// Ids that are asked for when a merge starts; two of each topic at least, so that a topic with one
/// message is known to have no other.
constexpr std::size_t first_ids = 20'000;
/// Topics of all merges that wait; beyond it the oldest are given up, and start anew.
constexpr std::size_t waiting_topics = 200'000;

}  // namespace

Exchange read_all(Servers& servers, Commands commands) {
    if (commands.size() <= pipeline)
        return commands.empty() ? Exchange{Answers{}} : servers.read(commands);
    Answers all;
    all.reserve(commands.size());
    for (std::size_t at = 0; at < commands.size(); at += pipeline) {
        const auto end = std::min(at + pipeline, commands.size());
        auto exchange = servers.read(
            {std::make_move_iterator(commands.begin() + static_cast<std::ptrdiff_t>(at)),
             std::make_move_iterator(commands.begin() + static_cast<std::ptrdiff_t>(end))});
        if (std::holds_alternative<Failure>(exchange))
            return exchange;
        std::ranges::move(std::get<Answers>(exchange), std::back_inserter(all));
    }
    return all;
}

std::optional<Failure> failure_in(const Answers& answers) {
    for (const auto& answer : answers)
        if (answer.is_error() && classify(answer.text) != store::errc::bad_value)
            return to_failure(answer);
    return std::nullopt;
}

Command Merge::ids_of(const std::string& topic, const std::string& after, std::size_t count) const {
    auto from = after.empty() ? std::string{"-"} : '(' + after;
    if (latest_)
        return {{"ZREVRANGEBYLEX", index_key(topic), "+", std::move(from), "LIMIT", "0", "1"}};
    return {{"ZRANGEBYLEX",
             index_key(topic),
             std::move(from),
             "+",
             "LIMIT",
             "0",
             std::to_string(count)}};
}

void Merge::fill(Run& run, const Answer& answer, std::size_t asked) const {
    if (answer.is_error())
        log.warn("no index of messages in key={} {}",
                 escaped(index_key(run.topic)),
                 escaped(answer.text));
    run.ids.clear();
    run.at = 0;
    for (const auto& id : answer.list) run.ids.push_back(id.text);
    run.complete = latest_ || run.ids.size() < asked;
}

void Merge::push(std::size_t run) {
    heads_.emplace_back(runs_[run].ids[runs_[run].at], run);
    std::ranges::push_heap(heads_, std::greater<>{});
}

std::optional<Failure> Merge::start(Servers& servers, std::vector<Source> sources) {
    const auto each = std::clamp<std::size_t>(first_ids / std::max<std::size_t>(sources.size(), 1),
                                              2,
                                              std::max<std::size_t>(page_ + 1, 2));
    Commands commands;
    commands.reserve(sources.size());
    for (const auto& source : sources) commands.push_back(ids_of(source.topic, source.after, each));
    auto exchange = read_all(servers, std::move(commands));
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    const auto& answers = std::get<Answers>(exchange);
    if (auto failure = failure_in(answers))
        return failure;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        Run run{std::move(sources[i].topic), {}, 0, false};
        fill(run, answers[i], each);
        if (run.ids.empty())
            continue;
        runs_.push_back(std::move(run));
        push(runs_.size() - 1);
    }
    return std::nullopt;
}

std::optional<Failure> Merge::advance(Servers& servers, std::size_t number) {
    auto& run = runs_[number];
    if (++run.at == run.ids.size() && !run.complete) {
        auto exchange = servers.read({ids_of(run.topic, run.ids.back(), page_ + 1)});
        if (auto* const failure = std::get_if<Failure>(&exchange))
            return std::move(*failure);
        if (auto failure = failure_in(std::get<Answers>(exchange)))
            return failure;
        fill(run, std::get<Answers>(exchange).front(), page_ + 1);
    }
    if (run.at < run.ids.size())
        push(number);
    return std::nullopt;
}

std::variant<std::vector<Place>, Failure> Merge::take(Servers& servers, std::size_t count) {
    std::vector<Place> places;
    while (places.size() < count && !heads_.empty()) {
        std::ranges::pop_heap(heads_, std::greater<>{});
        auto [id, run] = std::move(heads_.back());
        heads_.pop_back();
        places.push_back({std::move(id), runs_[run].topic});
        if (auto failure = advance(servers, run))
            return *std::move(failure);
    }
    return places;
}

void PageCache::put(std::string key, Merge merge) {
    const std::lock_guard lock{mutex_};
    topics_ += merge.topics();
    entries_.emplace_back(std::move(key), std::move(merge));
    while (topics_ > waiting_topics) {
        topics_ -= entries_.front().second.topics();
        entries_.pop_front();
    }
}

std::optional<Merge> PageCache::take(const std::string& key) {
    const std::lock_guard lock{mutex_};
    std::optional<Merge> found;
    // The last one that was put: an earlier one is of a fetch that was given up.
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        if (entry->first != key) {
            ++entry;
            continue;
        }
        topics_ -= entry->second.topics();
        found = std::move(entry->second);
        entry = entries_.erase(entry);
    }
    return found;
}

}  // namespace keepmq::redis
