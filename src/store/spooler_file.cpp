// What the spooler does with its file. All of it on the spooler's thread, unless it says otherwise.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/log.hpp"
#include "store/spooler.hpp"

namespace keepmq::store {
namespace {

const Log log{"store"};

using std::chrono::steady_clock;

constexpr std::chrono::seconds retry_after{1};
constexpr std::size_t batch_rows = 10'000;
constexpr std::size_t batch_bytes = 16UL << 20U;
constexpr std::size_t page_bytes = 8UL << 20U;
constexpr std::size_t page_limit = 3;

}  // namespace

// --- opening ------------------------------------------------------------------------------------

/// True if the file is there.
bool Spooler::open() {
    if (damaged_)
        file_.reset();
    if (file_)
        return true;
    if (!may_try(steady_clock::now()))
        return false;
    auto opened = Spool::open(settings_.path);
    if (const auto* refused = std::get_if<Spool::NotOpened>(&opened);
        refused != nullptr && refused->damaged) {
        damaged_ = true;
        if (!rescue(refused->failure))
            return false;
        opened = Spool::open(settings_.path);
    }
    if (auto* refused = std::get_if<Spool::NotOpened>(&opened)) {
        failed(std::move(refused->failure));
        return false;
    }
    damaged_ = false;
    file_ = std::move(std::get<0>(opened));
    take_stock();
    works();
    measure();
    return true;
}

bool Spooler::rescue(const Failure& why) {
    auto rescued = Spool::rescue(settings_.path);
    if (auto* failure = std::get_if<Failure>(&rescued)) {
        failed(std::move(*failure));
        return false;
    }
    const auto& [aside, rows] = std::get<Spool::Rescued>(rescued);
    set_aside_.fetch_add(1, std::memory_order_relaxed);
    log.error(
        "the spool of pool {} is damaged and was set aside as {}: {}; {} writes could be read and "
        "go "
        "to the database, see what sqlite3 can recover of the others",
        core_.label,
        aside,
        why.text,
        rows);
    return true;
}

/// What waits in the file against what is known of it: an earlier process left more, and damage
/// leaves less.
void Spooler::take_stock() {
    const bool is_first = last_ == 0;
    std::map<RuleContext*, std::uint64_t> present;
    for (const auto& [rule, rows] : waiting_) present.emplace(rule, 0);
    file_->each_rule(loaded_, [&](std::string_view rule, std::uint64_t rows) {
        present[rule_named(std::string{rule})] += rows;
    });
    for (const auto& [rule, rows] : present) {
        auto& known = waiting_[rule];
        if (rows > known)
            core_.count_found(rule, rows - known);
        else
            core_.count_unreadable(rule, known - rows);
        known = rows;
    }
    last_ = std::max(last_, file_->last_seq());
    if (is_first)
        found_ = last_;
    if (file_->rows() > 0)
        log.info("pool {}: {} writes are waiting in the spool {}",
                 core_.label,
                 file_->rows(),
                 settings_.path);
}

RuleContext* Spooler::rule_named(const std::string& name) {
    const auto [found, is_new] = rules_.try_emplace(name, nullptr);
    if (is_new && settings_.find_rule)
        found->second = settings_.find_rule(name);
    return found->second;
}

void Spooler::failed(Failure why) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    retry_ = steady_clock::now() + retry_after;
    core_.may_refuse = true;
    damaged_ = damaged_ || Spool::says_damaged(why);
    if (std::exchange(last_said_, why.text) != why.text)
        log.error(
            "the spool of pool {} does not work, writes that the database does not take are "
            "refused after {} ms: {}",
            core_.label,
            core_.settings.give_up_after.count(),
            why.text);
    const std::lock_guard lock{mutex_};
    failure_ = std::move(why);
}

void Spooler::works() {
    if (!last_said_.empty())
        log.info("the spool of pool {} works again", core_.label);
    last_said_.clear();
    core_.may_refuse = false;
    const std::lock_guard lock{mutex_};
    failure_.reset();
}

// --- into the file ------------------------------------------------------------------------------

/// Puts what is under way in the lanes into the file. False: not yet.
bool Spooler::shadow() {
    if (!may_try(steady_clock::now()))
        return false;
    std::vector<std::vector<Item>> copies;
    std::vector<SpoolRow> rows;
    const WallTime now = read_clocks().wall;
    for (const auto& lane : lanes_->all()) {
        copies.push_back(lane->under_way());
        for (const Item& item : copies.back())
            rows.push_back({last_ + 1 + rows.size(),
                            item.order,
                            item.rule != nullptr ? item.rule->name : "",
                            now,
                            encode(item.op)});
    }
    if (rows.empty())
        return true;
    if (auto why = file_->append(rows)) {
        failed(std::move(*why));
        return false;
    }
    works();
    written_.fetch_add(rows.size(), std::memory_order_relaxed);
    {
        // Before a lane can settle one of them.
        const std::lock_guard lock{mutex_};
        pages_.push_back({last_ + 1, std::vector<bool>(rows.size()), rows.size()});
    }
    std::uint64_t first = last_ + 1;
    last_ = loaded_ = rows.back().seq;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        const std::span<const Item> items{copies[i]};
        const std::size_t settled = lanes_->all()[i]->adopt(items.size(), first);
        {
            const std::lock_guard lock{mutex_};
            for (std::size_t k = 0; k < settled; ++k) (void)settle_row(first + k);
        }
        core_.tell(items.subspan(settled), Fate::spooled, {});
        first += items.size();
    }
    return true;
}

/// The lanes are about to have everything that is in the file, and the database takes it: then the
/// intake waits for its turn in memory, as it would in a lane, so that there is an end.
bool Spooler::holds_intake() {
    if (loaded_ != last_)
        return false;
    const SteadyTime now = steady_clock::now();
    const std::lock_guard lock{mutex_};
    if (pages_.empty())
        return true;
    const auto* oldest = intake_.empty() ? nullptr : std::get_if<Item>(&intake_.front());
    return !core_.is_draining() && now - progress_ < settings_.after &&
           (oldest == nullptr || now - oldest->submitted < settings_.after);
}

void Spooler::append() {
    while (may_try(steady_clock::now()) && !holds_intake()) {
        Batch batch = next_batch();
        if (batch.entries.empty())
            return;
        if (auto why = file_->append(batch.rows)) {
            failed(std::move(*why));
            return put_back(std::move(batch.entries));
        }
        appended(std::move(batch));
    }
}

/// From the front of the intake, as much as the file may hold.
Spooler::Batch Spooler::next_batch() {
    Batch batch;
    const bool was_full = std::exchange(no_room_for_, 0) > 0;
    {
        const std::lock_guard lock{mutex_};
        const std::size_t count = std::min(batch_rows, intake_.size());
        const auto end = intake_.begin() + static_cast<std::ptrdiff_t>(count);
        batch.entries.assign(std::make_move_iterator(intake_.begin()),
                             std::make_move_iterator(end));
        intake_.erase(intake_.begin(), end);
    }
    const WallTime now = read_clocks().wall;
    std::uint64_t bytes = 0;
    auto entry = batch.entries.begin();
    for (; entry != batch.entries.end() && bytes < batch_bytes; ++entry) {
        const auto* item = std::get_if<Item>(&*entry);
        if (item == nullptr)
            continue;
        SpoolRow row{last_ + 1 + batch.rows.size(),
                     item->order,
                     item->rule != nullptr ? item->rule->name : "",
                     now,
                     encode(item->op)};
        bytes += row.bytes();
        if (file_->bytes() + bytes > settings_.max_size) {
            no_room_for_ = row.bytes();
            break;
        }
        batch.rows.push_back(std::move(row));
    }
    std::vector<Entry> rest{std::make_move_iterator(entry),
                            std::make_move_iterator(batch.entries.end())};
    batch.entries.erase(entry, batch.entries.end());
    put_back(std::move(rest));
    if (batch.entries.empty() && no_room_for_ == 0 && was_full)
        works();
    if (batch.entries.empty() && no_room_for_ > 0)
        failed({errc::storage_full,
                settings_.path + " is full: spool.max_size is " +
                    std::to_string(settings_.max_size) + " bytes"});
    return batch;
}

void Spooler::put_back(std::vector<Entry>&& entries) {
    const std::lock_guard lock{mutex_};
    intake_.insert(intake_.begin(),
                   std::make_move_iterator(entries.begin()),
                   std::make_move_iterator(entries.end()));
}

void Spooler::appended(Batch&& batch) {
    works();
    written_.fetch_add(batch.rows.size(), std::memory_order_relaxed);
    std::vector<Item> items;
    items.reserve(batch.rows.size());
    for (const SpoolRow& row : batch.rows) ++waiting_[rule_named(row.rule)];
    {
        const std::lock_guard lock{mutex_};
        for (Entry& entry : batch.entries) {
            if (auto* mark = std::get_if<QueuedMark>(&entry)) {
                marks_.push_back({last_, std::move(*mark)});
                continue;
            }
            ++last_;
            items.push_back(std::move(std::get<Item>(entry)));
        }
    }
    core_.settle(items, Fate::spooled, {});
}

/// What cannot be spooled is refused when it has waited too long.
void Spooler::refuse_expired() {
    std::vector<Item> expired;
    std::optional<Failure> why;
    {
        const std::lock_guard lock{mutex_};
        if (!failure_)
            return;
        why = failure_;
        const SteadyTime oldest = steady_clock::now() - core_.settings.give_up_after;
        for (; !intake_.empty(); intake_.pop_front()) {
            if (auto* mark = std::get_if<QueuedMark>(&intake_.front())) {
                marks_.push_back({last_, std::move(*mark)});
                continue;
            }
            auto& item = std::get<Item>(intake_.front());
            if (item.submitted > oldest)
                break;
            expired.push_back(std::move(item));
        }
    }
    core_.settle(expired, Fate::refused, why);
}

// --- out of the file ----------------------------------------------------------------------------

void Spooler::drain() {
    // A full disk keeps rows from being added and removed, not from being read.
    while (loaded_ < last_ && steady_clock::now() >= retry_reading_) {
        {
            const std::lock_guard lock{mutex_};
            if (pages_.size() >= page_limit)
                return;
        }
        const std::size_t limit = core_.settings.max_batch * lanes_->all().size();
        auto loaded = file_->load(loaded_, limit, page_bytes);
        if (auto* why = std::get_if<Failure>(&loaded)) {
            failed(std::move(*why));
            retry_reading_ = retry_;
            return;
        }
        auto& rows = std::get<0>(loaded);
        if (rows.empty())
            loaded_ = last_;
        else if (!submit_page(std::move(rows)))
            return;
    }
}

bool Spooler::submit_page(std::vector<SpoolRow>&& rows) {
    const std::uint64_t first = rows.front().seq;
    const std::uint64_t last = rows.back().seq;
    Page page{first, std::vector<bool>(last - first + 1, true), 0};
    std::vector<Item> items;
    for (const SpoolRow& row : rows) {
        auto op = decoder_.decode(row.op);
        if (const auto* why = std::get_if<std::string>(&op)) {
            if (!keep_unreadable(row, *why))
                return false;
            continue;
        }
        Item& item = items.emplace_back(Item{std::move(std::get<Op>(op)), row.order});
        item.rule = rule_named(row.rule);
        item.submitted = steady_clock::now();
        item.row = row.seq;
        // Perhaps an earlier process had it in the database and could not take note of it.
        if (row.seq <= found_)
            item.attempt = Attempt::after_unknown_outcome;
        page.settled[row.seq - first] = false;
        ++page.open;
    }
    {
        const std::lock_guard lock{mutex_};
        pages_.push_back(std::move(page));
    }
    for (Item& item : items) {
        --waiting_[item.rule];
        pass_marks(item.row - 1);
        lanes_->resubmit(std::move(item));
    }
    loaded_ = last;
    pass_marks(loaded_);
    return true;
}

bool Spooler::keep_unreadable(const SpoolRow& row, const std::string& why) {
    if (auto failure = file_->keep_unreadable(row.seq, why)) {
        failed(std::move(*failure));
        retry_reading_ = retry_;
        return false;
    }
    log.error("row {} of the spool {} cannot be read, it was moved to the table `unreadable`: {}",
              row.seq,
              settings_.path,
              why);
    set_aside_.fetch_add(1, std::memory_order_relaxed);
    --waiting_[rule_named(row.rule)];
    core_.count_unreadable(rule_named(row.rule), 1);
    return true;
}

/// Queries that wait for rows up to this one go on with the lanes.
void Spooler::pass_marks(std::uint64_t up_to) {
    while (true) {
        QueuedMark mark;
        {
            const std::lock_guard lock{mutex_};
            if (marks_.empty() || marks_.front().after > up_to)
                return;
            mark = std::move(marks_.front().mark);
            marks_.pop_front();
        }
        lanes_->pass(mark);
    }
}

void Spooler::reap() {
    const std::lock_guard lock{mutex_};
    std::erase_if(pages_, [&](const Page& page) {
        if (page.open > 0)
            return false;
        settled_.push_back({page.first, page.first + page.settled.size() - 1});
        return true;
    });
}

void Spooler::remove_settled() {
    while (!settled_.empty()) {
        if (auto why = file_->remove(settled_.front().first, settled_.front().last))
            return failed(std::move(*why));
        settled_.erase(settled_.begin());
        if (no_room_for_ > 0)
            retry_ = {};
    }
}

/// Nothing in the file is needed any more, and its disk has no room to say so: it goes as a whole.
void Spooler::start_over() {
    file_.reset();
    if (auto why = Spool::remove_file(settings_.path)) {
        failed(std::move(*why));
        return;
    }
    settled_.clear();
    rows_ = bytes_ = 0;
    oldest_ = WallTime{};
    retry_ = {};
    (void)open();  // or when it is needed
}

// --- figures ------------------------------------------------------------------------------------

void Spooler::look_at_limits() {
    const WallTime oldest = oldest_;
    const bool too_old = settings_.max_age.count() > 0 && oldest != WallTime{} &&
                         read_clocks().wall - oldest > settings_.max_age;
    full_ = too_old || file_->bytes() + no_room_for_ >= settings_.max_size;
}

void Spooler::measure() {
    if (!file_)
        return;
    rows_ = file_->rows();
    bytes_ = file_->bytes();
    oldest_ = file_->oldest().value_or(WallTime{});
    const SteadyTime now = steady_clock::now();
    const std::chrono::duration<double> time = now - measured_;
    if (time < std::chrono::seconds{1})
        return;
    const auto rate = [&](const Counter& counter, std::uint64_t& before) {
        const std::uint64_t after = counter;
        return static_cast<std::uint64_t>(
            std::llround(static_cast<double>(after - std::exchange(before, after)) / time.count()));
    };
    written_each_second_ = rate(written_, written_before_);
    drained_each_second_ = rate(drained_, drained_before_);
    measured_ = now;
}

}  // namespace keepmq::store
