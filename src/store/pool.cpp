#include "store/pool.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "store/barrier.hpp"
#include "store/core.hpp"
#include "store/lane.hpp"
#include "store/reader.hpp"

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
        : core{std::move(settings), std::move(backend), dead_letters}, readers{core, lane_count()} {
        for (std::size_t number = 0; number < lane_count(); ++number)
            lanes.push_back(std::make_unique<Lane>(core, number));
    }

    [[nodiscard]] std::size_t lane_count() const {
        return std::max<std::size_t>(1, core.backend->lanes());
    }
    [[nodiscard]] Lane& lane_of(Order order) { return *lanes[order.key % lanes.size()]; }

    void submit_after_all(Item&& item, Lane& target);

    PoolCore core;
    Readers readers;
    std::vector<std::unique_ptr<Lane>> lanes;

    // Held while the marks of one barrier are put into the lanes, so that any two barriers stand in
    // the same order in every lane: lanes that hold for each other would wait for ever.
    std::mutex barrier_mutex;
    std::mutex stop_mutex;
};

void Pool::Impl::submit_after_all(Item&& item, Lane& target) {
    // One more than there are marks: this thread arrives last, when it holds no lock.
    const auto barrier = std::make_shared<Barrier>(lanes.size(), [&target] { target.wake(); });
    {
        const std::lock_guard lock{barrier_mutex};
        for (const auto& lane : lanes)
            if (lane.get() != &target)
                lane->mark(barrier);
        target.submit_after(barrier, std::move(item));
    }
    barrier->arrive();
}

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
    const SteadyTime now = std::chrono::steady_clock::now();
    Lane& lane = impl_->lane_of(order);
    if (order.after_all && impl_->lanes.size() > 1)
        impl_->submit_after_all({std::move(op), rule, sink, token, now}, lane);
    else
        lane.submit(std::move(op), rule, sink, token, now);
}

void Pool::query(Query query, Order order, RuleContext* rule, CompletionSink& sink, Token token) {
    impl_->core.stats.queries.fetch_add(1, std::memory_order_relaxed);
    auto pending =
        std::make_shared<PendingQuery>(PendingQuery{std::move(query), rule, &sink, token});
    const std::size_t marks = order.after_all ? impl_->lanes.size() : 1;
    const auto barrier = std::make_shared<Barrier>(
        marks + 1, [this, pending] { impl_->readers.push(std::move(*pending)); });
    {
        const std::lock_guard lock{impl_->barrier_mutex};
        if (order.after_all)
            for (const auto& lane : impl_->lanes) lane->mark(barrier);
        else
            impl_->lane_of(order).mark(barrier);
    }
    barrier->arrive();
}

void Pool::cancel(const CompletionSink& sink, Token token) {
    impl_->readers.cancel(sink, token);
}

bool Pool::has_room() const {
    const PoolCore& core = impl_->core;
    return core.stats.queued.load(std::memory_order_relaxed) < core.settings.queue_limit;
}

bool Pool::drain(std::chrono::steady_clock::time_point deadline) {
    return impl_->core.wait_until_all_settled(deadline);
}

void Pool::stop() {
    const std::lock_guard lock{impl_->stop_mutex};
    impl_->core.health.stopped();
    for (const auto& lane : impl_->lanes) lane->close();
    for (const auto& lane : impl_->lanes) lane->join();
    // After the lanes: their last marks send queries here.
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
    for (const auto& lane : impl_->lanes) depths.push_back(lane->depth());
    return depths;
}

}  // namespace keepmq::store
