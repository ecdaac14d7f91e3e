#include "backends/mysql/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/mysql/database.hpp"
#include "backends/mysql/schema.hpp"
#include "backends/mysql/translate.hpp"
#include "backends/mysql/unread.hpp"
#include "backends/mysql/users.hpp"
#include "base/overloaded.hpp"
#include "sql/fetch.hpp"
#include "sql/users.hpp"
#include "store/schema_report.hpp"

namespace keepmq::mysql {
namespace {

using store::errc;
using store::Failure;

/// Rows of one INSERT with many VALUES. Each size is a statement, which the server keeps prepared
/// (all 80 take 22 MB of its memory), and each statement a way to the server and back. A small
/// batch is one; a larger one, too, when it may leave a few rows for the next.
constexpr std::size_t insert_of_any_size = 64;
constexpr std::size_t insert_in_steps = 128;
constexpr std::size_t largest_insert = 256;
constexpr std::size_t small_step = 8;
constexpr std::size_t large_step = 16;

/// How many of so many rows the next INSERT takes.
std::size_t insert_size(std::size_t rows) {
    if (rows <= insert_of_any_size)
        return rows;
    if (rows <= insert_in_steps)
        return rows - rows % small_step;
    return std::min(rows - rows % large_step, largest_insert);
}

/// Rows of one INSERT with arrays of values.
constexpr std::size_t bulk_limit = 1024;
/// Bytes of values of one INSERT, if the server takes so many.
constexpr std::size_t insert_bytes = 8UL * 1024 * 1024;

/// Whether messages that come after the operation may be inserted before it is run, so that a batch
/// with acknowledgements among its messages still is one large INSERT.
bool may_run_after_inserts(const store::Op& op) {
    return std::visit(Overloaded{
                          [](const store::AdvanceCursor&) { return true; },
                          [](const store::DeleteCursor&) { return true; },
                          [](const store::ClientOnline&) { return true; },
                          [](const store::ClientOffline&) { return true; },
                          [](const store::StoreRetained&) { return true; },
                          [](const store::DeleteRetained&) { return true; },
                          [](const auto&) { return false; },
                      },
                      op);
}

class MysqlConnection final : public store::Connection {
  public:
    MysqlConnection(Settings settings, store::Role role)
        : settings_{std::move(settings)}, role_{role} {}

    std::optional<Failure> open() override;
    std::size_t lanes_at_once(std::size_t lanes) const override;
    std::size_t good_batch(std::size_t operations) const override;
    std::optional<Failure> write(std::span<const store::Op* const> batch,
                                 store::Attempt attempt) override;
    std::variant<store::Reply, Failure> read(const store::Query& query) override;
    void interrupt() noexcept override { interrupt_.raise(); }

  private:
    using MessageIds = std::unordered_set<std::string>;

    [[nodiscard]] Failure not_open() const;
    /// `stored`: what a repeated batch found in the table and left out.
    [[nodiscard]] std::optional<Failure> run_batch(std::span<const store::Op* const> batch,
                                                   store::Attempt attempt,
                                                   MessageIds& stored);
    [[nodiscard]] std::optional<Failure> run_op(const store::Op& op);
    [[nodiscard]] std::optional<Failure> run_steps(const store::Op& op);
    [[nodiscard]] std::optional<Failure> run_users(const store::Execute& op);
    [[nodiscard]] std::size_t size_of_piece(std::span<const Database::Row> rows) const;
    [[nodiscard]] bool is_one_insert(std::span<const Database::Row> rows) const;
    [[nodiscard]] std::optional<Failure> insert(std::span<Database::Row> rows);
    [[nodiscard]] std::optional<Failure> insert_some(std::span<Database::Row> rows);
    [[nodiscard]] std::optional<Failure> find_stored(std::span<const store::Op* const> batch,
                                                     store::Attempt attempt,
                                                     MessageIds& stored);

    Settings settings_;
    store::Role role_;
    Interrupt interrupt_;
    std::unique_ptr<Database> database_;
    std::optional<Translator> translator_;
    Tables tables_;
    /// Newest row before the last batch that was tried first; for tables without a unique msgid.
    std::int64_t known_id_ = 0;
    std::unordered_map<std::size_t, std::string> inserts_;  ///< by number of rows
    sql::UserStatements users_{join};
};

std::optional<Failure> MysqlConnection::open() {
    interrupt_.lower();
    database_.reset();
    auto connected = Database::connect(settings_, role_, interrupt_);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return std::move(*failure);
    auto& database = std::get<std::unique_ptr<Database>>(connected);
    auto found = inspect(*database);
    if (auto failure = store::why_unusable(found.report, database->name(), "mysql", settings_.pool))
        return failure;
    tables_ = std::move(found.tables);
    translator_.emplace(tables_);
    inserts_.clear();
    database_ = std::move(database);
    return std::nullopt;
}

/// Of more than two commits of MySQL 8.0 one may wait for another for 100 ms (docs/performance.md).
std::size_t MysqlConnection::lanes_at_once(std::size_t lanes) const {
    return database_ && database_->is_mysql() ? lanes / 4 : Connection::lanes_at_once(lanes);
}

std::size_t MysqlConnection::good_batch(std::size_t operations) const {
    return database_ && database_->is_mysql() ? insert_size(operations) : operations;
}

Failure MysqlConnection::not_open() const {
    return {errc::unreachable, fmt::format("{} is not open", settings_.database)};
}

// --- writes -------------------------------------------------------------------------------------

std::optional<Failure> MysqlConnection::write(std::span<const store::Op* const> batch,
                                              store::Attempt attempt) {
    if (!database_)
        return not_open();
    if (batch.empty())
        return std::nullopt;
    for (std::size_t known = 0;;) {
        MessageIds stored;
        auto failure = run_batch(batch, attempt, stored);
        if (!failure)
            return std::nullopt;
        database_->rollback();
        // Without the messages that are stored already, by a connection that was cut or by another
        // broker, which may be at it still. If no more of them are found, the key is another one.
        const bool again = tables_.layout.unique_msgid && database_->failed_on_duplicate() &&
                           (attempt == store::Attempt::first || stored.size() > known);
        if (!again)
            return failure;
        known = stored.size();
        attempt = store::Attempt::after_unknown_outcome;
    }
}

std::optional<Failure> MysqlConnection::run_batch(std::span<const store::Op* const> batch,
                                                  store::Attempt attempt,
                                                  MessageIds& stored) {
    const bool first = attempt == store::Attempt::first;
    // Of a repeated batch, what is looked at stays as it is until the rest is inserted.
    bool begun = !first;
    if (begun) {
        if (auto failure = database_->begin())
            return failure;
    }
    if (!first || !tables_.layout.unique_msgid) {
        if (auto failure = find_stored(batch, attempt, stored))
            return failure;
    }
    MessageIds met;
    std::vector<Database::Row> rows;
    std::vector<const store::Op*> later;
    const auto flush = [&]() -> std::optional<Failure> {
        if (!std::exchange(begun, true)) {
            if (auto failure = database_->begin())
                return failure;
        }
        if (auto failure = insert(rows))
            return failure;
        rows.clear();
        for (const auto* op : std::exchange(later, {})) {
            if (auto failure = run_op(*op))
                return failure;
        }
        return std::nullopt;
    };
    for (const auto* op : batch) {
        const auto* const store = std::get_if<store::StoreMessage>(op);
        if (store != nullptr && !first) {
            auto id = store->message->id.to_string();
            if (stored.contains(id) || !met.insert(std::move(id)).second)
                continue;
        }
        if (store != nullptr && store->keep == store::Keep::all) {
            rows.push_back(translator_->columns_of(*store->message));
            continue;
        }
        later.push_back(op);
        if (!may_run_after_inserts(*op)) {
            if (auto failure = flush())
                return failure;
        }
    }
    // One statement is a transaction by itself: two ways to the server and back less.
    if (!begun && later.empty() && is_one_insert(rows))
        return insert(rows);
    if (auto failure = flush())
        return failure;
    return database_->commit();
}

/// How many of the rows the server takes in one packet.
std::size_t MysqlConnection::size_of_piece(std::span<const Database::Row> rows) const {
    const auto limit = std::min(insert_bytes, database_->largest_packet() / 2);
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < rows.size() && count < bulk_limit; ++count) {
        for (const auto& param : rows[count]) bytes += size_of(param);
        if (count > 0 && bytes > limit)
            break;
    }
    return count;
}

bool MysqlConnection::is_one_insert(std::span<const Database::Row> rows) const {
    const auto count = rows.size();
    return (database_->can_run_bulk() || insert_size(count) == count) &&
           size_of_piece(rows) == count;
}

std::optional<Failure> MysqlConnection::insert(std::span<Database::Row> rows) {
    while (!rows.empty()) {
        const auto count = size_of_piece(rows);
        if (auto failure = insert_some(rows.first(count)))
            return failure;
        rows = rows.subspan(count);
    }
    return std::nullopt;
}

/// The values of rows are moved out of them.
std::optional<Failure> MysqlConnection::insert_some(std::span<Database::Row> rows) {
    const auto sql_of = [this](std::size_t count) -> const std::string& {
        auto& sql = inserts_[count];
        if (sql.empty())
            sql = translator_->insert_messages(count);
        return sql;
    };
    if (rows.size() > 1 && database_->can_run_bulk())
        return database_->run_bulk(sql_of(1), rows);
    while (!rows.empty()) {
        const auto some = rows.first(insert_size(rows.size()));
        Database::Row params;
        params.reserve(some.size() * some.front().size());
        for (auto& row : some) std::ranges::move(row, std::back_inserter(params));
        if (auto failure = database_->run(sql_of(some.size()), params))
            return failure;
        rows = rows.subspan(some.size());
    }
    return std::nullopt;
}

std::optional<Failure> MysqlConnection::run_op(const store::Op& op) {
    if (const auto* const users = std::get_if<store::Execute>(&op))
        return run_users(*users);
    auto failure = run_steps(op);
    // Another broker may have made the row between our UPDATE and INSERT: now the UPDATE finds it.
    if (failure && database_->failed_on_duplicate())
        failure = run_steps(op);
    return failure;
}

std::optional<Failure> MysqlConnection::run_steps(const store::Op& op) {
    for (const auto& step : translator_->translate(op)) {
        if (step.when == When::nothing_matched && database_->matched_rows() > 0)
            continue;
        if (auto failure = database_->run(step.sql, step.params))
            return failure;
    }
    return std::nullopt;
}

std::optional<Failure> MysqlConnection::run_users(const store::Execute& op) {
    return users_.run(op, [&](const std::string& text, std::span<const Param> params) {
        auto failure = why_forbidden(text);
        return failure ? failure : database_->run(text, params, Author::user);
    });
}

/// Which messages of a repeated batch are in the table. Without a unique key on their ids only what
/// came after the first attempt is searched, to which that is remembered.
std::optional<Failure> MysqlConnection::find_stored(std::span<const store::Op* const> batch,
                                                    store::Attempt attempt,
                                                    MessageIds& stored) {
    std::vector<Param> params;
    params.emplace_back(known_id_);
    for (const auto* op : batch) {
        if (const auto* const store = std::get_if<store::StoreMessage>(op))
            params.emplace_back(store->message->id.to_string());
    }
    const auto count = params.size() - 1;
    if (count == 0)
        return std::nullopt;
    if (attempt == store::Attempt::first) {
        const auto answer = database_->query({"select coalesce(max(id), 0) from mqtt_msg", {}});
        if (const auto* const failure = std::get_if<Failure>(&answer))
            return *failure;
        known_id_ = std::get<sql::Rows>(answer).integer(0, 0);
        return std::nullopt;
    }
    const auto answer = database_->query({translator_->stored_after(count), std::move(params)});
    if (const auto* const failure = std::get_if<Failure>(&answer))
        return *failure;
    const auto& rows = std::get<sql::Rows>(answer);
    for (std::size_t row = 0; row < rows.size(); ++row) stored.emplace(rows.bytes(row, 0));
    return std::nullopt;
}

// --- reads --------------------------------------------------------------------------------------

std::variant<store::Reply, Failure> MysqlConnection::read(const store::Query& query) {
    if (!database_)
        return not_open();
    // One snapshot for positions and messages.
    if (auto failure = database_->begin_reading())
        return *std::move(failure);
    auto reply = answer(*database_, tables_, query);
    database_->rollback();
    return reply;
}

}  // namespace

std::unique_ptr<store::Connection> make_connection(Settings settings, store::Role role) {
    return std::make_unique<MysqlConnection>(std::move(settings), role);
}

}  // namespace keepmq::mysql
