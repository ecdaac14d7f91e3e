#include "store/reader.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace keepmq::store {
namespace {

const Log log{"store"};

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds grace{50};

}  // namespace

Readers::Readers(PoolCore& core, std::size_t first_number) : core_{core} {
    const std::size_t count = std::max<std::size_t>(1, core.backend->readers());
    for (std::size_t i = 0; i < count; ++i)
        links_.push_back(std::make_unique<Link>(
            core.backend->connect(Role::reader), core.settings, core.health, first_number + i));
    for (const auto& link : links_) threads_.emplace_back([this, &link = *link] { run(link); });
}

Readers::~Readers() {
    close();
    join();
}

void Readers::push(PendingQuery&& query) {
    {
        const std::lock_guard lock{mutex_};
        if (!closed_) {
            queue_.push_back(std::move(query));
            wake_.notify_one();
            wake_broken_.notify_all();
            return;
        }
    }
    refuse(query);
}

void Readers::cancel(const CompletionSink& sink, Token token) {
    {
        const std::lock_guard lock{mutex_};
        const auto found = std::ranges::find_if(queue_, [&](const PendingQuery& waiting) {
            return waiting.sink == &sink && waiting.token == token;
        });
        if (found == queue_.end())
            return;
        queue_.erase(found);
    }
    core_.settle_query();
}

void Readers::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    wake_.notify_all();
    wake_broken_.notify_all();
}

void Readers::join() {
    {
        std::unique_lock lock{mutex_};
        while (
            !finished_signal_.wait_for(lock, grace, [&] { return finished_ == links_.size(); })) {
            lock.unlock();
            for (const auto& link : links_) link->interrupt();
            lock.lock();
        }
    }
    for (std::thread& thread : threads_)
        if (thread.joinable())
            thread.join();
}

// --- a reader's thread --------------------------------------------------------------------------

void Readers::run(Link& link) {
    for (PendingQuery query; take(link, query);) answer(link, std::move(query));
    std::unique_lock lock{mutex_};
    const std::deque<PendingQuery> rest = std::exchange(queue_, {});
    lock.unlock();
    for (const PendingQuery& waiting : rest) refuse(waiting);
    lock.lock();
    ++finished_;
    finished_signal_.notify_all();
}

bool Readers::take(Link& link, PendingQuery& query) {
    std::unique_lock lock{mutex_};
    while (!closed_) {
        if (link.is_open()) {
            if (!queue_.empty())
                break;
            wake_.wait(lock);
            continue;
        }
        const SteadyTime due = queue_.empty() ? link.due_when_idle() : link.due_when_waiting();
        if (steady_clock::now() < due) {
            wake_broken_.wait_until(lock, due);
        } else {
            lock.unlock();
            link.open();
            lock.lock();
        }
    }
    if (closed_)
        return false;
    query = std::move(queue_.front());
    queue_.pop_front();
    return true;
}

void Readers::answer(Link& link, PendingQuery&& query) {
    auto result = link.connection().read(query.query);
    if (auto* reply = std::get_if<Reply>(&result)) {
        link.succeeded();
        return settle(query, {Fate::committed, {}, std::move(*reply)});
    }
    auto& failure = std::get<Failure>(result);
    core_.stats.query_errors.fetch_add(1, std::memory_order_relaxed);
    if (query.rule != nullptr)
        query.rule->stats.errors.fetch_add(1, std::memory_order_relaxed);
    if (is_permanent(failure.code)) {
        link.succeeded();
        core_.health.note(failure);
        log.warn(R"(query refused pool="{}" rule="{}" error="{}")",
                 core_.label,
                 query.rule != nullptr ? query.rule->name : "",
                 escaped(failure.text));
        return settle(query, {Fate::refused, std::move(failure), {}});
    }
    link.failed(std::move(failure));
    // To the end of the queue: one that always runs into its time-out must not hold up the others.
    push(std::move(query));
}

void Readers::settle(const PendingQuery& query, Outcome&& outcome) {
    std::vector<Completed> batch;
    batch.push_back({query.token, std::move(outcome)});
    query.sink->completed(std::move(batch));
    core_.settle_query();
}

void Readers::refuse(const PendingQuery& query) {
    settle(query, {Fate::refused, Failure{errc::shutting_down, "the pool was stopped"}, {}});
}

}  // namespace keepmq::store
