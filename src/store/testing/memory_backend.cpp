#include "store/testing/memory_backend.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace keepmq::store::testing {
namespace {

constexpr std::chrono::seconds patience{30};

std::optional<Failure> dislike(const Statement& statement) {
    if (statement.source.find(broken_statement) == std::string::npos)
        return {};
    return Failure{errc::bad_statement, "no such table"};
}

std::optional<Failure> dislike(const Op& op) {
    const auto* execute = std::get_if<Execute>(&op);
    if (execute == nullptr)
        return {};
    for (const Statement& statement : execute->statements->list)
        if (auto failure = dislike(statement))
            return failure;
    return {};
}

}  // namespace

class MemoryConnection final : public Connection {
  public:
    explicit MemoryConnection(std::shared_ptr<MemoryDatabase> database)
        : database_{std::move(database)} {}

    std::optional<Failure> open() override { return database_->open(); }
    std::optional<Failure> write(std::span<const Op* const> batch, Attempt attempt) override {
        refusals_.clear();
        return database_->write(batch, attempt, interrupted_, refusals_);
    }
    std::size_t good_batch(std::size_t operations) const override {
        const std::size_t step = database_->good_step_;
        return operations < step ? operations : operations - operations % step;
    }
    std::vector<Refused> take_refused() override { return std::exchange(refusals_, {}); }
    std::variant<Reply, Failure> read(const Query& query) override {
        return database_->read(query);
    }
    void interrupt() noexcept override { database_->interrupt(interrupted_); }

  private:
    std::shared_ptr<MemoryDatabase> database_;
    std::vector<Refused> refusals_;
    bool interrupted_ = false;  // guarded by the database's mutex
};

// --- faults -------------------------------------------------------------------------------------

void MemoryDatabase::fail_next_writes(std::size_t count, errc code, Applied applied) {
    const std::lock_guard lock{mutex_};
    write_faults_.insert(write_faults_.end(), count, Fault{code, applied});
}

void MemoryDatabase::fail_next_reads(std::size_t count, errc code) {
    const std::lock_guard lock{mutex_};
    read_faults_.insert(read_faults_.end(), count, code);
}

void MemoryDatabase::go_down(Failure why) {
    const std::lock_guard lock{mutex_};
    down_ = std::move(why);
}

void MemoryDatabase::come_back() {
    const std::lock_guard lock{mutex_};
    down_.reset();
}

void MemoryDatabase::slow_down(std::chrono::milliseconds each_call) {
    const std::lock_guard lock{mutex_};
    delay_ = each_call;
}

void MemoryDatabase::poison(Poison poison) {
    const std::lock_guard lock{mutex_};
    poison_ = std::move(poison);
}

void MemoryDatabase::like_batches_of(std::size_t step) {
    good_step_ = step;
}

void MemoryDatabase::refuse_alone() {
    const std::lock_guard lock{mutex_};
    refuses_alone_ = true;
}

void MemoryDatabase::hold_writes() {
    const std::lock_guard lock{mutex_};
    holding_ = true;
}

void MemoryDatabase::release_writes() {
    const std::lock_guard lock{mutex_};
    holding_ = false;
    changed_.notify_all();
}

bool MemoryDatabase::await_held_writes(std::size_t count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return held_ >= count; });
}

bool MemoryDatabase::await_opens(std::size_t attempts) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return opens_ >= attempts; });
}

// --- observations -------------------------------------------------------------------------------

std::vector<MemoryDatabase::Write> MemoryDatabase::writes() const {
    const std::lock_guard lock{mutex_};
    return writes_;
}

std::size_t MemoryDatabase::opens() const {
    const std::lock_guard lock{mutex_};
    return opens_;
}

std::vector<Execute> MemoryDatabase::executed() const {
    const std::lock_guard lock{mutex_};
    return tables_.executed();
}

std::size_t MemoryDatabase::stored_messages() const {
    const std::lock_guard lock{mutex_};
    return tables_.stored_messages();
}

std::optional<Presence> MemoryDatabase::presence(const ClientId& client) const {
    const std::lock_guard lock{mutex_};
    return tables_.presence(client);
}

void MemoryDatabase::provision(const ClientId& client, StoredSubscription subscription) {
    const std::lock_guard lock{mutex_};
    tables_.provision(client, std::move(subscription));
}

void MemoryDatabase::clear() {
    const std::lock_guard lock{mutex_};
    tables_ = {};
    writes_.clear();
}

// --- what connections do ------------------------------------------------------------------------

std::optional<Failure> MemoryDatabase::open() {
    const std::lock_guard lock{mutex_};
    ++opens_;
    changed_.notify_all();
    return down_;
}

std::optional<Failure> MemoryDatabase::write(std::span<const Op* const> batch,
                                             Attempt attempt,
                                             const bool& interrupted,
                                             Refusals& refusals) {
    if (const auto wait = delay(); wait.count() > 0)
        std::this_thread::sleep_for(wait);
    std::unique_lock lock{mutex_};
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !holding_ || interrupted; });
    --held_;

    Write& write = writes_.emplace_back();
    for (const Op* op : batch) write.ops.push_back(*op);
    write.attempt = attempt;
    if (holding_)
        write.failure = Failure{errc::connection_lost, "interrupted"};
    else
        write.failure = try_batch(batch, refusals);
    return write.failure;
}

std::optional<Failure> MemoryDatabase::refusal_of(const Op& op) const {
    if (auto failure = dislike(op))
        return failure;
    return poison_ ? poison_(op) : std::nullopt;
}

std::optional<Failure> MemoryDatabase::try_batch(std::span<const Op* const> batch,
                                                 Refusals& refusals) {
    if (down_)
        return Failure{errc::connection_lost, down_->text};
    for (std::size_t i = 0; i < batch.size(); ++i) {
        auto failure = refusal_of(*batch[i]);
        if (failure && !refuses_alone_)
            return failure;
        if (failure)
            refusals.push_back({i, *std::move(failure)});
    }
    std::optional<Failure> failure;
    if (!write_faults_.empty()) {
        const Fault fault = write_faults_.front();
        write_faults_.pop_front();
        failure = Failure{fault.code, "injected"};
        if (fault.applied == Applied::no)
            return failure;
    }
    auto refused = refusals.begin();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (refused != refusals.end() && refused->index == i)
            ++refused;
        else
            tables_.apply(*batch[i]);
    }
    return failure;
}

std::variant<Reply, Failure> MemoryDatabase::read(const Query& query) {
    if (const auto wait = delay(); wait.count() > 0)
        std::this_thread::sleep_for(wait);
    const std::lock_guard lock{mutex_};
    if (down_)
        return Failure{errc::connection_lost, down_->text};
    if (!read_faults_.empty()) {
        const errc code = read_faults_.front();
        read_faults_.pop_front();
        return Failure{code, "injected"};
    }
    return tables_.read(query);
}

std::chrono::milliseconds MemoryDatabase::delay() const {
    const std::lock_guard lock{mutex_};
    return delay_;
}

void MemoryDatabase::interrupt(bool& interrupted) {
    const std::lock_guard lock{mutex_};
    interrupted = true;
    changed_.notify_all();
}

// --- backend ------------------------------------------------------------------------------------

MemoryBackend::MemoryBackend(std::shared_ptr<MemoryDatabase> database,
                             std::size_t lanes,
                             std::size_t readers)
    : database_{std::move(database)}, lanes_{lanes}, readers_{readers} {}

std::unique_ptr<Connection> MemoryBackend::connect(Role) const {
    return std::make_unique<MemoryConnection>(database_);
}

std::optional<Failure> MemoryBackend::try_statement(const Statement& statement) const {
    return dislike(statement);
}

std::string MemoryBackend::placeholder(std::size_t) const {
    return "?";
}

}  // namespace keepmq::store::testing
