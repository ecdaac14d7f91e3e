#include "sessions/store.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>

#include "base/log.hpp"
#include "base/overloaded.hpp"

namespace keepmq::sessions {
namespace {

const Log log{"sessions"};

constexpr std::chrono::milliseconds first_pause{50};
constexpr std::chrono::milliseconds longest_pause{1000};

WallTime newest_of(const std::vector<broker::Change>& changes) {
    WallTime newest{};
    const auto see = [&](const MessagePtr& message) {
        if (message)
            newest = std::max(newest, message->id.time());
    };
    for (const auto& change : changes)
        std::visit(Overloaded{[&](const broker::DeliveryKept& kept) { see(kept.message); },
                              [&](const broker::RetainedKept& kept) { see(kept.message); },
                              [&](const broker::IncomingKept& kept) {
                                  newest = std::max(newest, kept.id.time());
                              },
                              [](const auto&) {}},
                   change);
    return newest;
}

/// The new name, or empty if it could not be moved.
std::string set_aside(const std::string& path) {
    const auto now = read_clocks().wall.time_since_epoch().count();
    auto aside = path + ".damaged-" + std::to_string(now);
    std::error_code error;
    std::filesystem::rename(path, aside, error);
    if (error)
        return {};
    for (const char* suffix : {"-wal", "-shm"}) {
        std::error_code absent;
        std::filesystem::rename(path + suffix, aside + suffix, absent);
    }
    return aside;
}

}  // namespace

Store::Store(std::string path, std::size_t limit, std::unique_ptr<File> file)
    : path_{std::move(path)}, limit_{limit}, file_{std::move(file)} {}

Store::~Store() {
    stop();
}

std::variant<std::unique_ptr<Store>, Failure> Store::open(const std::string& path,
                                                          std::size_t limit) {
    bool was_damaged = false;
    for (;;) {
        auto opened = File::open(path);
        auto* found = std::get_if<Failure>(&opened);
        Failure failure = found ? *found : Failure{};
        if (!found) {
            auto store = std::make_unique<Store>(path, limit, std::move(std::get<0>(opened)));
            if (store->load(failure)) {
                store->stats_.set_aside = was_damaged ? 1 : 0;
                return store;
            }
        }
        // The second one would be new.
        if (!failure.damaged || std::exchange(was_damaged, true))
            return failure;
        const auto aside = set_aside(path);
        if (aside.empty())
            return failure;
        log.error(
            "{}: it was moved to {}; all sessions with their subscriptions and waiting messages, "
            "retained messages and delayed wills that it held are lost",
            failure.text,
            aside);
    }
}

bool Store::load(Failure& failure) {
    const auto begin = std::chrono::steady_clock::now();
    auto loaded = file_->load();
    if (auto* why = std::get_if<Failure>(&loaded)) {
        failure = std::move(*why);
        return false;
    }
    loaded_ = std::move(std::get<0>(loaded));
    newest_id_ = newest_of(loaded_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    log.info("{} rows read from {} in {:.2f} s", loaded_.size(), path_, took.count());
    return true;
}

void Store::start() {
    thread_ = std::thread{[this] { run(); }};
}

void Store::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Store::append(CommitSink& sink, std::vector<broker::Change>& changes, std::uint64_t newest) {
    stats_.changes += changes.size();
    stats_.backlog += changes.size();
    bool wake = false;
    {
        const std::lock_guard lock{mutex_};
        wake = waiting_.empty();
        waiting_.insert(waiting_.end(),
                        std::make_move_iterator(changes.begin()),
                        std::make_move_iterator(changes.end()));
        const auto found = std::ranges::find(waiting_notices_, &sink, &Notices::value_type::first);
        if (found != waiting_notices_.end())
            found->second = newest;
        else
            waiting_notices_.emplace_back(&sink, newest);
    }
    changes.clear();
    if (wake)
        changed_.notify_all();
}

bool Store::drain(SteadyTime deadline) {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, deadline, [this] { return stats_.backlog == 0; });
}

std::string Store::last_error() const {
    const std::lock_guard lock{mutex_};
    return last_error_;
}

void Store::run() {
    Batch batch;
    Notices notices;
    while (take(batch, notices) && commit(batch, notices)) {
        for (const auto& [sink, newest] : notices) sink->on_committed(newest);
        batch.clear();
        notices.clear();
    }
}

bool Store::take(Batch& batch, Notices& notices) {
    std::vector<broker::Change> taken;
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_)
            return false;
        taken.swap(waiting_);
        notices.swap(waiting_notices_);
    }
    for (auto& change : taken) batch.add(std::move(change));
    batch.changes = taken.size();
    return true;
}

bool Store::commit(Batch& batch, Notices& notices) {
    auto pause = first_pause;
    for (;;) {
        const auto begin = std::chrono::steady_clock::now();
        const auto failure = batch.size() == 0 ? nullptr : file_->commit(batch);
        if (!failure) {
            const auto took = std::chrono::steady_clock::now() - begin;
            if (batch.size() != 0) {
                ++stats_.batches;
                stats_.rows += batch.size();
                stats_.commit_micros.record(static_cast<std::uint64_t>(
                    std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
            }
            const std::lock_guard lock{mutex_};
            stats_.backlog -= batch.changes;
            if (!last_error_.empty())
                log.info("{} can be written again", path_);
            last_error_.clear();
            changed_.notify_all();
            return true;
        }
        say_failed(*failure);
        std::unique_lock lock{mutex_};
        // What came meanwhile waits for the same: its shards must hear of it, too.
        for (const auto& [sink, newest] : waiting_notices_)
            if (std::ranges::find(notices, sink, &Notices::value_type::first) == notices.end())
                notices.emplace_back(sink, 0);
        lock.unlock();
        for (const auto& [sink, newest] : notices) sink->on_commit_failed();
        lock.lock();
        changed_.wait_for(lock, pause, [this] { return stopping_; });
        if (stopping_)
            return false;
        pause = std::min(pause * 2, longest_pause);
    }
}

void Store::say_failed(const Failure& failure) {
    ++stats_.failures;
    const std::lock_guard lock{mutex_};
    if (last_error_ != failure.text)
        log.error(
            "sessions cannot be kept: {}; messages that lasting sessions or retained topics wait "
            "for are refused until it works; make room or make the file writable",
            failure.text);
    last_error_ = failure.text;
}

}  // namespace keepmq::sessions
