#include "store/pool.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "store/barrier.hpp"
#include "store/core.hpp"
#include "store/lanes.hpp"
#include "store/reader.hpp"
#include "store/spooler.hpp"

namespace keepmq::store {

std::string_view to_string(PoolState state) {
    switch (state) {
        case PoolState::connecting:
            return "connecting";
        case PoolState::running:
            return "running";
        case PoolState::degraded:
            return "degraded";
        case PoolState::stopped:
            break;
    }
    return "stopped";
}

std::size_t order_key(std::string_view text) {
    return std::hash<std::string_view>{}(text);
}

class Pool::Impl {
  public:
    Impl(PoolSettings settings, std::shared_ptr<const Backend> backend, DeadLetters& dead_letters)
        : core{std::move(settings), std::move(backend), dead_letters},
          readers{core, std::max<std::size_t>(1, core.backend->lanes())},
          spooler{core.settings.spool.path.empty() ? nullptr : std::make_unique<Spooler>(core)},
          lanes{with_spooler(core, spooler.get()), spooler.get()} {
        if (spooler)
            spooler->start(lanes);
    }

    /// Lanes start to work while they are made.
    static PoolCore& with_spooler(PoolCore& core, Spooler* spooler) {
        core.spooler = spooler;
        return core;
    }

    PoolCore core;
    Readers readers;
    std::unique_ptr<Spooler> spooler;
    Lanes lanes;
    std::mutex stop_mutex;
};

Pool::Pool(PoolSettings settings, std::shared_ptr<const Backend> backend, DeadLetters& dead_letters)
    : impl_{std::make_unique<Impl>(std::move(settings), std::move(backend), dead_letters)} {}

Pool::~Pool() {
    stop();
}

void Pool::submit(Op op, Order order, RuleContext* rule, CompletionSink* sink, Token token) {
    PoolStats& stats = impl_->core.stats;
    stats.accepted.fetch_add(1, std::memory_order_relaxed);
    stats.queued.fetch_add(1, std::memory_order_relaxed);
    if (rule != nullptr)
        rule->stats.accepted.fetch_add(1, std::memory_order_relaxed);
    impl_->lanes.submit(
        {std::move(op), order, rule, sink, token, std::chrono::steady_clock::now()});
}

void Pool::query(Query query, Order order, RuleContext* rule, CompletionSink& sink, Token token) {
    impl_->core.stats.queries.fetch_add(1, std::memory_order_relaxed);
    auto pending =
        std::make_shared<PendingQuery>(PendingQuery{std::move(query), rule, &sink, token});
    // One more than there are marks: this thread arrives last, when it holds no lock.
    const auto barrier = std::make_shared<Barrier>(
        impl_->lanes.marks_of(order) + 1,
        [this, pending] { impl_->readers.push(std::move(*pending)); },
        &sink,
        token);
    impl_->lanes.mark(order, barrier);
    barrier->arrive();
}

void Pool::cancel(const CompletionSink& sink, Token token) {
    if (impl_->spooler && impl_->spooler->cancel(sink, token))
        impl_->core.settle_query();
    else
        impl_->readers.cancel(sink, token);
}

bool Pool::has_room() const {
    const PoolCore& core = impl_->core;
    return core.stats.queued.load(std::memory_order_relaxed) < core.settings.queue_limit &&
           !(impl_->spooler && impl_->spooler->is_full());
}

bool Pool::drain(std::chrono::steady_clock::time_point deadline) {
    return impl_->core.wait_until_all_settled(deadline);
}

void Pool::stop() {
    const std::lock_guard lock{impl_->stop_mutex};
    impl_->core.health.stopped();
    if (impl_->spooler)
        impl_->spooler->stop();
    impl_->core.turns.close();
    for (const auto& lane : impl_->lanes.all()) lane->close();
    for (const auto& lane : impl_->lanes.all()) lane->join();
    if (impl_->spooler)
        impl_->spooler->close();
    // At the end: the last marks send queries here.
    impl_->readers.close();
    impl_->readers.join();
}

const PoolSettings& Pool::settings() const {
    return impl_->core.settings;
}
const Backend& Pool::backend() const {
    return *impl_->core.backend;
}
const PoolStats& Pool::stats() const {
    return impl_->core.stats;
}
PoolState Pool::state() const {
    return impl_->core.health.state();
}
std::string Pool::last_error() const {
    return impl_->core.health.last_error();
}
std::vector<std::size_t> Pool::lane_depths() const {
    std::vector<std::size_t> depths;
    for (const auto& lane : impl_->lanes.all()) depths.push_back(lane->depth());
    return depths;
}
std::optional<SpoolStatus> Pool::spool() const {
    return impl_->spooler ? std::optional{impl_->spooler->status()} : std::nullopt;
}

}  // namespace keepmq::store
