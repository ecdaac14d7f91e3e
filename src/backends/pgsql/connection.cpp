#include "backends/pgsql/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "backends/pgsql/schema.hpp"
#include "backends/pgsql/session.hpp"
#include "backends/pgsql/translate.hpp"
#include "sql/fetch.hpp"
#include "store/schema_report.hpp"

namespace keepmq::pgsql {
namespace {

using store::errc;
using store::Failure;
using Batch = std::span<const store::Op* const>;

class PgConnection final : public store::Connection {
  public:
    PgConnection(Settings settings, store::Role role)
        : settings_{std::move(settings)}, role_{role} {}

    std::optional<Failure> open() override;
    std::optional<Failure> write(Batch batch, store::Attempt attempt) override;
    std::variant<store::Reply, Failure> read(const store::Query& query) override;
    void interrupt() noexcept override { interrupt_.raise(); }

  private:
    using MessageIds = std::unordered_set<std::string>;

    [[nodiscard]] std::optional<Failure> begin_call();
    [[nodiscard]] std::optional<Failure> run(Batch batch);
    [[nodiscard]] std::optional<Failure> note_newest_row();
    [[nodiscard]] std::variant<MessageIds, Failure> find_stored(Batch batch);
    std::optional<Failure> end_call(std::optional<Failure> failure);

    Settings settings_;
    store::Role role_;
    Interrupt interrupt_;
    std::unique_ptr<Session> session_;
    std::optional<Translator> translator_;
    sql::Layout layout_;
    /// Newest row before the last batch that was tried first; for tables without a unique msgid.
    std::int64_t known_id_ = 0;
};

std::optional<Failure> PgConnection::open() {
    interrupt_.clear();
    session_.reset();
    auto connected = Session::connect(settings_, interrupt_);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return std::move(*failure);
    auto& session = std::get<std::unique_ptr<Session>>(connected);
    auto found = inspect(*session);
    if (auto failure = store::why_unusable(
            found.report, "database " + settings_.database, "pgsql", settings_.pool))
        return failure;
    // Pages are read in the order of the index, so that the limit ends the work. A planner that
    // takes a busy topic for a quiet one would collect all of its messages and sort them.
    if (role_ == store::Role::reader) {
        if (auto failure = session->run_script("set enable_bitmapscan = off"))
            return failure;
    }
    layout_ = std::move(found.layout);
    translator_.emplace(layout_);
    session_ = std::move(session);
    return std::nullopt;
}

std::optional<Failure> PgConnection::begin_call() {
    interrupt_.clear();
    if (!session_)
        return Failure{errc::unreachable,
                       fmt::format("database {} is not connected", settings_.database)};
    return std::nullopt;
}

/// After a failure that is not permanent the session is in an unknown state.
std::optional<Failure> PgConnection::end_call(std::optional<Failure> failure) {
    if (failure && !store::is_permanent(failure->code))
        session_.reset();
    return failure;
}

std::optional<Failure> PgConnection::write(Batch batch, store::Attempt attempt) {
    if (auto failure = begin_call())
        return failure;
    if (batch.empty())
        return std::nullopt;
    if (layout_.unique_msgid)
        return end_call(run(batch));
    if (attempt == store::Attempt::first) {
        if (auto failure = note_newest_row())
            return end_call(std::move(failure));
        return end_call(run(batch));
    }
    auto found = find_stored(batch);
    if (auto* const failure = std::get_if<Failure>(&found))
        return end_call(std::move(*failure));
    const auto& stored = std::get<MessageIds>(found);
    std::vector<const store::Op*> rest;
    std::copy_if(batch.begin(), batch.end(), std::back_inserter(rest), [&](const store::Op* op) {
        const auto* const store = std::get_if<store::StoreMessage>(op);
        return store == nullptr || !stored.contains(store->message->id.to_string());
    });
    return end_call(run(rest));
}

std::optional<Failure> PgConnection::run(Batch batch) {
    const auto commands = translator_->translate(batch);
    auto failure = session_->run(commands);
    if (failure && store::is_permanent(failure->code) && session_->forget_stale_statements())
        failure = session_->run(commands);
    return failure;
}

std::optional<Failure> PgConnection::note_newest_row() {
    auto answer = session_->query(Translator::newest_id());
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    known_id_ = std::get<sql::Rows>(answer).integer(0, 0);
    return std::nullopt;
}

/// Which messages of a repeated batch are in a table that has no unique key on their ids.
std::variant<PgConnection::MessageIds, Failure> PgConnection::find_stored(Batch batch) {
    MessageIds stored;
    std::string wanted;
    for (const auto* op : batch) {
        if (const auto* const store = std::get_if<store::StoreMessage>(op))
            wanted.append(wanted.empty() ? "{" : ",").append(store->message->id.to_string());
    }
    if (wanted.empty())
        return stored;
    // The server may still be at work on the batch whose outcome was lost.
    const std::array<Command, 1> wait{Translator::lock_messages()};
    if (auto failure = session_->run(wait))
        return *std::move(failure);
    auto answer = session_->query(Translator::stored_ids(known_id_, wanted + "}"));
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    const auto& rows = std::get<sql::Rows>(answer);
    for (std::size_t row = 0; row < rows.size(); ++row) stored.emplace(rows.bytes(row, 0));
    return stored;
}

std::variant<store::Reply, Failure> PgConnection::read(const store::Query& query) {
    if (auto failure = begin_call())
        return *std::move(failure);
    auto reply = sql::answer(*session_, layout_, query);
    if (auto* const failure = std::get_if<Failure>(&reply))
        return *end_call(std::move(*failure));
    return reply;
}

}  // namespace

std::unique_ptr<store::Connection> make_connection(Settings settings, store::Role role) {
    return std::make_unique<PgConnection>(std::move(settings), role);
}

}  // namespace keepmq::pgsql
