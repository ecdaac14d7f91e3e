#include "store/spooler.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/log.hpp"

namespace keepmq::store {
namespace {

const Log log{"store"};

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds longest_look{100};
constexpr milliseconds longest_turn{100};
// When the pool is about to end, a database that works gets so long for what waits.
constexpr milliseconds last_chance{500};

const Failure stopped{errc::shutting_down, "the pool was stopped"};

}  // namespace

Spooler::Spooler(PoolCore& core) : core_{core}, settings_{core.settings.spool} {
    core_.spooling = true;
    core_.may_refuse = false;
}

Spooler::~Spooler() {
    stop();
    close();
}

void Spooler::start(Lanes& lanes) {
    lanes_ = &lanes;
    thread_ = std::thread{[this] { run(); }};
}

// --- any thread ---------------------------------------------------------------------------------

bool Spooler::take(Item& item) {
    std::unique_lock lock{mutex_};
    if (!spooling_)
        return false;
    if (stopped_) {
        lock.unlock();
        core_.give_back({&item, 1}, stopped);
        return true;
    }
    intake_.emplace_back(std::move(item));
    news_ = true;
    if (std::exchange(sleeping_, false))
        wake_.notify_one();
    return true;
}

void Spooler::take(QueuedMark mark) {
    std::unique_lock lock{mutex_};
    if (closed_) {
        lock.unlock();
        return mark.barrier->arrive();
    }
    intake_.emplace_back(std::move(mark));
    news_ = true;
    if (std::exchange(sleeping_, false))
        wake_.notify_one();
}

bool Spooler::cancel(const CompletionSink& sink, Token token) {
    const auto is_its = [&](const QueuedMark& mark) {
        return mark.barrier->belongs_to(sink, token);
    };
    // Without these marks its barrier is never complete.
    const std::lock_guard lock{mutex_};
    const auto waiting =
        std::erase_if(marks_, [&](const WaitingMark& waits) { return is_its(waits.mark); });
    const auto taken = std::erase_if(intake_, [&](const Entry& entry) {
        const auto* mark = std::get_if<QueuedMark>(&entry);
        return mark != nullptr && is_its(*mark);
    });
    return waiting + taken > 0;
}

void Spooler::rows_settled(std::span<const Item> items) {
    const std::lock_guard lock{mutex_};
    progress_ = steady_clock::now();
    bool page_done = false;
    for (const Item& item : items) page_done = settle_row(item.row) || page_done;
    drained_.fetch_add(items.size(), std::memory_order_relaxed);
    if (!page_done)
        return;
    news_ = true;
    if (std::exchange(sleeping_, false))
        wake_.notify_one();
}

bool Spooler::settle_row(std::uint64_t row) {
    for (Page& page : pages_) {
        if (row < page.first || row >= page.first + page.settled.size())
            continue;
        page.settled[row - page.first] = true;
        return --page.open == 0;
    }
    return false;
}

SpoolStatus Spooler::status() const {
    SpoolStatus status;
    status.rows = rows_;
    status.bytes = bytes_;
    if (const WallTime oldest = oldest_; oldest != WallTime{})
        status.oldest =
            std::max(std::chrono::seconds{0},
                     std::chrono::duration_cast<std::chrono::seconds>(read_clocks().wall - oldest));
    status.written = written_;
    status.drained = drained_;
    status.written_each_second = written_each_second_;
    status.drained_each_second = drained_each_second_;
    status.failures = failures_;
    status.set_aside = set_aside_;
    const std::lock_guard lock{mutex_};
    status.spooling = spooling_;
    if (failure_)
        status.last_error = failure_->text;
    return status;
}

void Spooler::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable())
        thread_.join();
    std::vector<Item> rest;
    {
        const std::lock_guard lock{mutex_};
        // Marks stay for `close`: their queries are refused by the readers, after the writes.
        for (Entry& entry : intake_) {
            if (auto* mark = std::get_if<QueuedMark>(&entry))
                marks_.push_back({last_, std::move(*mark)});
            else
                rest.push_back(std::move(std::get<Item>(entry)));
        }
        intake_.clear();
    }
    core_.give_back(rest, stopped);
}

void Spooler::close() {
    if (file_) {
        reap();
        for (const Page& page : pages_)
            for (std::size_t i = 0; i < page.settled.size(); ++i)
                if (page.settled[i])
                    settled_.push_back({page.first + i, page.first + i});
        remove_settled();
        file_.reset();
    }
    std::deque<WaitingMark> marks;
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        marks.swap(marks_);
        for (Entry& entry : intake_) marks.push_back({0, std::get<QueuedMark>(std::move(entry))});
        intake_.clear();
    }
    for (const WaitingMark& waits : marks) waits.mark.barrier->arrive();
}

// --- its own thread -----------------------------------------------------------------------------

void Spooler::run() {
    while (true) {
        bool spooling = false;
        {
            const std::lock_guard lock{mutex_};
            if (stopped_)
                return;
            spooling = spooling_;
        }
        if (spooling)
            spool();
        else
            watch();
    }
}

void Spooler::pause(milliseconds time) {
    std::unique_lock lock{mutex_};
    if (!news_ && !stopped_) {
        sleeping_ = true;
        wake_.wait_for(lock, time, [&] { return news_ || stopped_; });
        sleeping_ = false;
    }
    news_ = false;
}

void Spooler::watch() {
    pause(std::clamp(milliseconds{settings_.after / 5}, milliseconds{1}, longest_look));
    if (!settled_.empty() && may_try(steady_clock::now())) {
        if (open())
            remove_settled();
        if (!settled_.empty() && !damaged_)
            start_over();
    }
    if (rows_ > 0 || written_each_second_ > 0 || drained_each_second_ > 0)
        measure();
    if (has_waited_too_long() && open())
        enter();
}

bool Spooler::has_waited_too_long() {
    const auto oldest = lanes_->oldest();
    if (!oldest)
        return false;
    const bool works = core_.health.state() == PoolState::running;
    const bool has_room =
        core_.stats.queued.load(std::memory_order_relaxed) < core_.settings.queue_limit;
    if (!works && (!has_room || core_.is_draining()))
        return true;
    const milliseconds limit =
        core_.is_draining() ? std::min(settings_.after, last_chance) : settings_.after;
    return steady_clock::now() - *oldest >= limit;
}

void Spooler::enter() {
    {
        const auto frozen = lanes_->freeze();
        const std::lock_guard lock{mutex_};
        spooling_ = true;
        core_.spooling = true;
        for (Entry& entry : lanes_->divert(frozen)) intake_.push_back(std::move(entry));
        news_ = true;
    }
    loaded_ = last_;
    shadowed_ = false;
    log.warn("pool {} is away or too slow: {} writes go to the spool {}",
             core_.label,
             core_.stats.queued.load(std::memory_order_relaxed),
             settings_.path);
}

void Spooler::spool() {
    if (open()) {
        reap();
        remove_settled();
        shadowed_ = shadowed_ || shadow();
        if (shadowed_) {
            append();
            drain();
        }
        pass_marks(loaded_);
        measure();
        look_at_limits();
    }
    refuse_expired();
    leave_if_done();
    pause(longest_turn);
}

void Spooler::leave_if_done() {
    // A file that is there may have rows, which come first.
    std::error_code ignored;
    if (loaded_ != last_ || !shadowed_ ||
        (!file_ && std::filesystem::exists(settings_.path, ignored)))
        return;
    {
        const auto frozen = lanes_->freeze();
        const std::lock_guard lock{mutex_};
        if (!spooling_ || !pages_.empty() || !marks_.empty())
            return;
        lanes_->restore(frozen, std::exchange(intake_, {}));
        spooling_ = false;
        core_.spooling = false;
    }
    if (file_ && settled_.empty()) {
        file_->shrink();
        measure();
    }
    if (drained_ > 0)
        log.info("pool {} has drained its spool", core_.label);
}

}  // namespace keepmq::store
