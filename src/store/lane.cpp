#include "store/lane.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.hpp"
#include "store/coalesce.hpp"
#include "store/dead_letters.hpp"

namespace keepmq::store {
namespace {

const Log log{"store"};

using std::chrono::steady_clock;

// A lane keeps the storage of so many batches for the next ones.
constexpr std::size_t spare_limit = 2;

// How long a batch that is under way may go on when the pool stops.
constexpr std::chrono::milliseconds grace{50};

const Failure stopped{errc::shutting_down, "the pool was stopped"};

}  // namespace

Lane::Lane(PoolCore& core, std::size_t number, bool diverted)
    : core_{core},
      link_{core.backend->connect(Role::writer), core.settings, core.health, number},
      diverted_{diverted},
      thread_{[this] { run(); }} {}

Lane::~Lane() {
    close();
    join();
}

// --- any thread ---------------------------------------------------------------------------------

bool Lane::submit(Item& item) {
    bool was_asleep = false;
    {
        std::unique_lock lock{mutex_};
        if (diverted_) [[unlikely]]
            return false;
        if (closed_) [[unlikely]] {
            lock.unlock();
            core_.give_back({&item, 1}, stopped);
            return true;
        }
        push(std::move(item));
        was_asleep = std::exchange(sleeping_, false);
    }
    if (was_asleep)
        wake_.notify_one();
    return true;
}

void Lane::resubmit(Item&& item) {
    {
        const std::lock_guard lock{mutex_};
        if (!closed_) {
            push(std::move(item));
            if (std::exchange(sleeping_, false))
                wake_.notify_one();
            return;
        }
    }
    core_.give_back({&item, 1}, stopped);
}

void Lane::submit_after(BarrierPtr hold, Item&& item) {
    {
        const std::lock_guard lock{mutex_};
        if (!closed_) {
            add_chunk(std::move(hold));
            push(std::move(item));
            return;
        }
    }
    core_.give_back({&item, 1}, stopped);
}

void Lane::mark(const BarrierPtr& mark) {
    {
        const std::lock_guard lock{mutex_};
        if (!closed_ && (busy_ || !queue_.empty())) {
            if (queue_.empty())
                add_chunk({});
            queue_.back().marks.push_back({queue_.back().items.size(), mark});
            return;
        }
    }
    mark->arrive();
}

void Lane::wake() {
    const std::lock_guard lock{mutex_};
    wake_.notify_one();
}

void Lane::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    wake_.notify_one();
}

void Lane::join() {
    if (!thread_.joinable())
        return;
    std::unique_lock lock{mutex_};
    // Repeated, because an interrupt just before a blocking call has no effect on it.
    while (!finished_signal_.wait_for(lock, grace, [&] { return finished_; })) {
        lock.unlock();
        link_.interrupt();
        lock.lock();
    }
    lock.unlock();
    thread_.join();
}

void Lane::push(Item&& item) {
    if (queue_.empty() || queue_.back().items.size() >= core_.settings.max_batch)
        add_chunk({});
    Chunk& chunk = queue_.back();
    if (item.attempt != Attempt::first)
        chunk.attempt = item.attempt;
    chunk.items.push_back(std::move(item));
    depth_.fetch_add(1, std::memory_order_relaxed);
}

void Lane::add_chunk(BarrierPtr hold) {
    Chunk& chunk = queue_.emplace_back();
    chunk.hold = std::move(hold);
    if (!spares_.empty()) {
        chunk.items = std::move(spares_.back());
        spares_.pop_back();
    }
}

// --- the spooler's thread -----------------------------------------------------------------------

std::optional<SteadyTime> Lane::oldest() {
    const std::lock_guard lock{mutex_};
    if (!under_way_.empty())
        return under_way_.front().submitted;
    for (const Chunk& chunk : queue_)
        if (!chunk.items.empty())
            return chunk.items.front().submitted;
    return {};
}

std::deque<Chunk> Lane::divert() {
    const std::lock_guard lock{mutex_};
    diverted_ = true;
    std::deque<Chunk> waiting = std::exchange(queue_, {});
    for (const Chunk& chunk : waiting)
        depth_.fetch_sub(chunk.items.size(), std::memory_order_relaxed);
    return waiting;
}

void Lane::restore() {
    const std::lock_guard lock{mutex_};
    diverted_ = false;
}

std::vector<Item> Lane::under_way() {
    const std::lock_guard lock{mutex_};
    return {under_way_.begin(), under_way_.end()};
}

std::size_t Lane::adopt(std::size_t copied, std::uint64_t first_row) {
    const std::lock_guard lock{mutex_};
    const std::size_t settled = copied - under_way_.size();
    // Before the lane can settle them, or there would be less than nothing in the spool.
    core_.count(under_way_, Fate::spooled);
    for (std::size_t i = 0; i < under_way_.size(); ++i) under_way_[i].row = first_row + settled + i;
    return settled;
}

// --- the lane's thread --------------------------------------------------------------------------

void Lane::run() {
    Chunk chunk;
    while (take(chunk)) {
        // A mark with nothing in front of it need not wait for this batch.
        const auto later =
            std::ranges::find_if(chunk.marks, [](const Chunk::Mark& m) { return m.place > 0; });
        for (auto mark = chunk.marks.begin(); mark != later; ++mark) mark->barrier->arrive();
        commit(chunk.items, chunk.attempt);
        for (auto mark = later; mark != chunk.marks.end(); ++mark) mark->barrier->arrive();
    }
    refuse_all();
    const std::lock_guard lock{mutex_};
    finished_ = true;
    finished_signal_.notify_all();
}

bool Lane::has_work() const {
    return !queue_.empty() && (!queue_.front().hold || queue_.front().hold->is_complete());
}

bool Lane::take(Chunk& chunk) {
    chunk.items.clear();
    chunk.marks.clear();
    chunk.hold.reset();
    chunk.attempt = Attempt::first;

    turn_.reset();
    std::unique_lock lock{mutex_};
    if (chunk.items.capacity() > 0 && spares_.size() < spare_limit)
        spares_.push_back(std::move(chunk.items));
    busy_ = false;
    while (wait_for_work(lock)) {
        if (turn_ || !core_.turns.are_needed()) {
            chunk = std::move(queue_.front());
            queue_.pop_front();
            if (turn_)
                leave_rest(chunk);
            under_way_ = chunk.items;
            busy_ = true;
            return true;
        }
        // What comes meanwhile is in the batch.
        lock.unlock();
        turn_.emplace(core_.turns);
        lock.lock();
        if (!has_work())
            turn_.reset();
    }
    return false;
}

/// With the lock held. Much waits, so what stays gets company while others have their turn.
void Lane::leave_rest(Chunk& chunk) {
    const auto good =
        link_.is_open() ? link_.connection().good_batch(chunk.items.size()) : chunk.items.size();
    if (good == chunk.items.size() || !queue_.empty() || !chunk.marks.empty())
        return;
    add_chunk({});
    Chunk& rest = queue_.back();
    rest.attempt = chunk.attempt;
    const auto begin = chunk.items.begin() + static_cast<std::ptrdiff_t>(good);
    std::move(begin, chunk.items.end(), std::back_inserter(rest.items));
    chunk.items.erase(begin, chunk.items.end());
}

void Lane::open() {
    if (link_.open())
        core_.turns.allow(link_.connection().lanes_at_once(core_.backend->lanes()));
}

/// With the lock held, also afterwards. False: the lane is closed.
bool Lane::wait_for_work(std::unique_lock<std::mutex>& lock) {
    while (!closed_ && !has_work()) {
        const SteadyTime due = link_.due_when_idle();
        if (link_.is_open()) {
            sleeping_ = true;
            wake_.wait(lock);
        } else if (steady_clock::now() < due) {
            sleeping_ = true;
            wake_.wait_until(lock, due);
        } else {
            lock.unlock();
            open();
            lock.lock();
        }
        sleeping_ = false;
    }
    return !closed_;
}

void Lane::commit(std::span<const Item> items, Attempt attempt) {
    // Ranges that wait for their turn, the first one at the end: items are settled in their order.
    std::vector<Range> ranges{{0, items.size(), attempt}};
    while (!ranges.empty()) {
        Range range = ranges.back();
        ranges.pop_back();
        const auto failure = commit_range(items, range);
        if (!failure)
            continue;
        if (range.end - range.begin == 1) {
            bury(items.subspan(range.begin, 1), *failure);
            continue;
        }
        // The one that the database refuses is found by halving, and so is what a slow one manages
        // in time; order is kept.
        const std::size_t middle = range.begin + (range.end - range.begin) / 2;
        ranges.push_back({middle, range.end, range.attempt});
        ranges.push_back({range.begin, middle, range.attempt});
    }
}

/// Settles the range, or returns why it has to be divided: the database will never take it as it
/// is, or did not in time. One item alone is tried for as long as it takes.
std::optional<Failure> Lane::commit_range(std::span<const Item> items, Range& range) {
    while (wait_until_open(items, range)) {
        const auto waiting = items.subspan(range.begin, range.end - range.begin);
        auto failure = attempt(waiting, range.attempt);
        if (!failure || is_permanent(failure->code))
            link_.succeeded();
        if (!failure) {
            settle_written(waiting);
            return {};
        }
        if (is_permanent(failure->code))
            return failure;
        core_.stats.retries.fetch_add(1, std::memory_order_relaxed);
        PoolCore::count_errors(waiting);
        if (is_outcome_unknown(failure->code))
            range.attempt = Attempt::after_unknown_outcome;
        link_.failed(*failure);
        if (failure->code == errc::timed_out && waiting.size() > 1)
            return failure;
    }
    return {};
}

/// False if nothing of the range is left to be written.
bool Lane::wait_until_open(std::span<const Item> items, Range& range) {
    while (range.begin < range.end) {
        if (closed_) {
            give_back(items.subspan(range.begin, range.end - range.begin));
            return false;
        }
        if (link_.is_open())
            return true;
        turn_.reset();  // for who has a connection
        refuse_expired(items, range);
        if (range.begin == range.end)
            return false;
        const SteadyTime due = link_.due_when_waiting();
        if (due <= steady_clock::now()) {
            open();
            continue;
        }
        const SteadyTime expiry = items[range.begin].submitted + core_.settings.give_up_after;
        std::unique_lock lock{mutex_};
        const bool may_expire = core_.may_refuse && items[range.begin].row == 0;
        wake_.wait_until(
            lock, may_expire ? std::min(due, expiry) : due, [&] { return closed_.load(); });
    }
    return false;
}

/// Only while the connection is down: what merely waited long is still tried once. And only what no
/// spool has or takes.
void Lane::refuse_expired(std::span<const Item> items, Range& range) {
    if (!link_.is_failing() || !core_.may_refuse)
        return;
    const SteadyTime oldest = steady_clock::now() - core_.settings.give_up_after;
    const std::size_t begin = range.begin;
    {
        const std::lock_guard lock{mutex_};
        while (range.begin < range.end && items[range.begin].submitted <= oldest &&
               items[range.begin].row == 0)
            ++range.begin;
        let_go(range.begin - begin);
    }
    core_.settle(items.subspan(begin, range.begin - begin), Fate::refused, link_.last_failure());
}

std::optional<Failure> Lane::attempt(std::span<const Item> items, Attempt attempt) {
    batch_.clear();
    for (const Item& item : items) batch_.push_back(&item.op);
    coalesce(batch_);
    const SteadyTime start = steady_clock::now();
    auto failure = link_.connection().write(batch_, attempt);
    turn_.reset();
    if (!failure) {
        const auto took = std::chrono::duration_cast<Micros>(steady_clock::now() - start);
        core_.stats.batches.fetch_add(1, std::memory_order_relaxed);
        core_.stats.batch_size.record(items.size());
        core_.stats.commit_micros.record(static_cast<std::uint64_t>(took.count()));
    }
    return failure;
}

/// All are committed, except those that the database refused on their own.
void Lane::settle_written(std::span<const Item> items) {
    std::size_t settled = 0;
    for (const auto& refused : link_.connection().take_refused()) {
        // The batch holds the operations of the items, perhaps not of all of them.
        const auto one = std::ranges::find(
            items, batch_[refused.index], [](const Item& item) { return &item.op; });
        const auto at = static_cast<std::size_t>(one - items.begin());
        settle(items.subspan(settled, at - settled), Fate::committed, {});
        bury(items.subspan(at, 1), refused.failure);
        settled = at + 1;
    }
    settle(items.subspan(settled), Fate::committed, {});
}

void Lane::bury(std::span<const Item> one, const Failure& why) {
    const Item& item = one.front();
    const std::string_view rule = item.rule != nullptr ? std::string_view{item.rule->name} : "";
    PoolCore::count_errors(one);
    core_.health.note(why);
    while (const auto lost = core_.dead_letters.add(core_.label, rule, item.op, why)) {
        log.error(R"(dead letter could not be kept pool="{}" rule="{}" op={} error="{}")",
                  core_.label,
                  rule,
                  name_of(item.op),
                  lost->text);
        if (!keep_trying_to_bury(one))
            return core_.give_back(one, why);
    }
    ++burials_unsaid_;
    const SteadyTime now = steady_clock::now();
    if (now - last_burial_said_ > std::chrono::seconds{1}) {
        last_burial_said_ = now;
        log.warn(R"(dead letter pool="{}" rule="{}" op={} count={} error="{}")",
                 core_.label,
                 rule,
                 name_of(item.op),
                 std::exchange(burials_unsaid_, 0),
                 escaped(why.text));
    }
    settle(one, Fate::dead_lettered, why);
}

/// What was acknowledged waits until it can be kept. False, and the item is let go: it was not, or
/// the pool stops.
bool Lane::keep_trying_to_bury(std::span<const Item> one) {
    constexpr std::chrono::seconds pause{1};
    std::unique_lock lock{mutex_};
    if (one.front().row != 0 && !wake_.wait_for(lock, pause, [&] { return closed_.load(); }))
        return true;
    let_go(1);
    return false;
}

void Lane::settle(std::span<const Item> items, Fate fate, const std::optional<Failure>& failure) {
    {
        const std::lock_guard lock{mutex_};
        let_go(items.size());
    }
    core_.settle(items, fate, failure);
}

void Lane::give_back(std::span<const Item> items) {
    {
        const std::lock_guard lock{mutex_};
        let_go(items.size());
    }
    core_.give_back(items, stopped);
}

/// With the lock held. The first ones of what is under way are the lane's alone from now on.
void Lane::let_go(std::size_t count) {
    under_way_ = under_way_.subspan(count);
    depth_.fetch_sub(count, std::memory_order_relaxed);
}

void Lane::refuse_all() {
    std::deque<Chunk> rest;
    {
        const std::lock_guard lock{mutex_};
        rest.swap(queue_);
    }
    for (const Chunk& chunk : rest) {
        depth_.fetch_sub(chunk.items.size(), std::memory_order_relaxed);
        core_.give_back(chunk.items, stopped);
        for (const Chunk::Mark& mark : chunk.marks) mark.barrier->arrive();
    }
}

}  // namespace keepmq::store
