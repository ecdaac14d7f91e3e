#include "store/core.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "store/spooler.hpp"

namespace keepmq::store {
namespace {

template <class Stats>
Counter& counter_of(Stats& stats, Fate fate) {
    switch (fate) {
        case Fate::committed:
            return stats.committed;
        case Fate::dead_lettered:
            return stats.dead_lettered;
        case Fate::spooled:
            return stats.spooled;
        case Fate::refused:
            break;
    }
    return stats.refused;
}

/// Calls `visit(stats, count)` for each run of items of one rule: neighbours mostly share theirs.
template <class Visit>
void for_each_rule(std::span<const Item> items, Visit visit) {
    for (auto first = items.begin(); first != items.end();) {
        RuleContext* const rule = first->rule;
        const auto last =
            std::find_if(first, items.end(), [&](const Item& i) { return i.rule != rule; });
        if (rule != nullptr)
            visit(rule->stats, static_cast<std::uint64_t>(last - first));
        first = last;
    }
}

/// Calls `visit(run, in_spool)` for each run of items that are in the spool, or are not: mostly all
/// or none.
template <class Visit>
void for_each_place(std::span<const Item> items, Visit visit) {
    while (!items.empty()) {
        const bool in_spool = items.front().row != 0;
        const auto other = std::ranges::find_if(
            items, [&](const Item& item) { return (item.row != 0) != in_spool; });
        const auto size = static_cast<std::size_t>(other - items.begin());
        visit(items.first(size), in_spool);
        items = items.subspan(size);
    }
}

/// The outcomes of one batch, by sink. There are as many sinks as shards, so a scan is fastest.
class Post {
  public:
    std::vector<Completed>& of(CompletionSink& sink, std::size_t expected) {
        const auto found = std::ranges::find(groups_, &sink, &Group::sink);
        if (found != groups_.end())
            return found->batch;
        groups_.push_back({&sink, {}});
        groups_.back().batch.reserve(expected);
        return groups_.back().batch;
    }
    void send() {
        for (Group& group : groups_) group.sink->completed(std::move(group.batch));
    }

  private:
    struct Group {
        CompletionSink* sink;
        std::vector<Completed> batch;
    };
    std::vector<Group> groups_;
};

}  // namespace

PoolCore::PoolCore(PoolSettings of_pool,
                   std::shared_ptr<const Backend> database,
                   DeadLetters& letters)
    : settings{std::move(of_pool)},
      backend{std::move(database)},
      dead_letters{letters},
      label{settings.kind + ' ' + settings.name},
      health{
          label,
          backend->durability(),
          std::max<std::size_t>(1, backend->lanes()) + std::max<std::size_t>(1, backend->readers()),
          stats},
      turns{std::max<std::size_t>(1, backend->lanes()), stats.queued} {}

void PoolCore::settle(std::span<const Item> items,
                      Fate fate,
                      const std::optional<Failure>& failure) {
    for_each_place(items, [&](std::span<const Item> run, bool in_spool) {
        if (in_spool)
            return settle_rows(run, fate);
        // Counted first, so that who has the outcome sees it in the counters.
        count(run, fate);
        tell(run, fate, failure);
    });
}

void PoolCore::settle_rows(std::span<const Item> items, Fate fate) {
    for_each_rule(items, [&](RuleStats& rule, std::uint64_t times) {
        counter_of(rule, fate).fetch_add(times, std::memory_order_relaxed);
        rule.spooled.fetch_sub(times, std::memory_order_relaxed);
    });
    counter_of(stats, fate).fetch_add(items.size(), std::memory_order_relaxed);
    stats.spooled.fetch_sub(items.size(), std::memory_order_relaxed);
    spooler->rows_settled(items);
}

void PoolCore::give_back(std::span<const Item> items, const Failure& failure) {
    for_each_place(items, [&](std::span<const Item> run, bool in_spool) {
        if (!in_spool)
            settle(run, Fate::refused, failure);
    });
}

void PoolCore::count_found(RuleContext* rule, std::uint64_t rows) {
    if (rule != nullptr) {
        rule->stats.accepted.fetch_add(rows, std::memory_order_relaxed);
        rule->stats.spooled.fetch_add(rows, std::memory_order_relaxed);
    }
    stats.spooled.fetch_add(rows, std::memory_order_relaxed);
    add_settled(settled_writes_, rows);
    stats.accepted.fetch_add(rows, std::memory_order_relaxed);
}

void PoolCore::count_unreadable(RuleContext* rule, std::uint64_t rows) {
    if (rule != nullptr) {
        rule->stats.dead_lettered.fetch_add(rows, std::memory_order_relaxed);
        rule->stats.spooled.fetch_sub(rows, std::memory_order_relaxed);
    }
    stats.dead_lettered.fetch_add(rows, std::memory_order_relaxed);
    stats.spooled.fetch_sub(rows, std::memory_order_relaxed);
}

void PoolCore::tell(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure) {
    Post post;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Item& item = items[i];
        if (item.sink != nullptr)
            post.of(*item.sink, items.size() - i).push_back({item.token, {fate, failure, {}}});
    }
    post.send();
    add_settled(settled_writes_, items.size());
}

void PoolCore::count(std::span<const Item> items, Fate fate) {
    record_waits(items);
    for_each_rule(items, [&](RuleStats& rule, std::uint64_t times) {
        counter_of(rule, fate).fetch_add(times, std::memory_order_relaxed);
    });
    counter_of(stats, fate).fetch_add(items.size(), std::memory_order_relaxed);
    stats.queued.fetch_sub(items.size(), std::memory_order_relaxed);
}

void PoolCore::count_errors(std::span<const Item> items) {
    for_each_rule(items, [](RuleStats& rule, std::uint64_t times) {
        rule.errors.fetch_add(times, std::memory_order_relaxed);
    });
}

void PoolCore::record_waits(std::span<const Item> items) {
    const SteadyTime now = std::chrono::steady_clock::now();
    std::uint64_t times = 0;
    std::uint64_t total = 0;
    int width = -1;
    // Runs of one bucket are recorded at once: the mean of a run stays in its bucket.
    const auto flush = [&] {
        if (times > 0)
            stats.wait_micros.record(total / times, times);
        times = total = 0;
    };
    for (const Item& item : items) {
        const auto waited = std::chrono::duration_cast<Micros>(now - item.submitted).count();
        const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(0, waited));
        if (const int its_width = static_cast<int>(std::bit_width(micros)); its_width != width) {
            flush();
            width = its_width;
        }
        ++times;
        total += micros;
    }
    flush();
}

void PoolCore::add_settled(std::atomic<std::uint64_t>& settled, std::uint64_t count) {
    settled.fetch_add(count);
    if (drainers_.load() == 0)
        return;
    const std::lock_guard lock{drain_mutex_};
    drained_.notify_all();
}

bool PoolCore::is_all_settled() const {
    // What is settled is read first: a submission in between may only make the answer "no".
    const std::uint64_t writes = settled_writes_.load();
    const std::uint64_t queries = settled_queries_.load();
    if (writes < stats.accepted.load())
        return false;
    // Behind a spool a query may wait for hours; nothing is lost with it.
    return spooling.load() || queries >= stats.queries.load();
}

bool PoolCore::wait_until_all_settled(SteadyTime deadline) {
    std::unique_lock lock{drain_mutex_};
    ++drainers_;
    const bool done = drained_.wait_until(lock, deadline, [&] { return is_all_settled(); });
    --drainers_;
    return done;
}

}  // namespace keepmq::store
