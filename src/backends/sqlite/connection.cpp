#include "backends/sqlite/connection.hpp"

#include <fmt/format.h>

#include <mutex>
#include <unordered_set>

#include "backends/sqlite/fetch.hpp"
#include "backends/sqlite/schema.hpp"
#include "base/log.hpp"
#include "sql/users.hpp"
#include "store/schema_report.hpp"

namespace keepmq::sqlite {
namespace {

using store::errc;
using store::Failure;

const Log log{"sqlite"};

class SqliteConnection final : public store::Connection {
  public:
    SqliteConnection(Settings settings, store::Role role)
        : settings_{std::move(settings)}, role_{role} {}

    std::optional<Failure> open() override;
    std::optional<Failure> write(std::span<const store::Op* const> batch,
                                 store::Attempt attempt) override;
    std::variant<store::Reply, Failure> read(const store::Query& query) override;
    void interrupt() noexcept override;

  private:
    using MessageIds = std::unordered_set<std::string>;

    void replace(std::unique_ptr<Database> database);
    [[nodiscard]] std::optional<Failure> begin_call();
    [[nodiscard]] std::optional<Failure> run_batch(std::span<const store::Op* const> batch,
                                                   store::Attempt attempt);
    [[nodiscard]] std::optional<Failure> run_op(const store::Op& op);
    [[nodiscard]] std::optional<Failure> run_users(const store::Execute& op);
    [[nodiscard]] std::variant<MessageIds, Failure> find_stored(
        std::span<const store::Op* const> batch, store::Attempt attempt);

    Settings settings_;
    store::Role role_;
    std::mutex replacing_;  ///< interrupt() must not meet a Database that goes away
    std::unique_ptr<Database> database_;
    std::optional<Translator> translator_;
    Layout layout_;
    /// Newest row before the last batch that was tried first; for tables without a unique msgid.
    std::int64_t known_id_ = 0;

    sql::UserStatements users_{join};
};

std::optional<Failure> SqliteConnection::open() {
    replace(nullptr);
    auto opened = open_database(settings_, role_, Database::Create::no);
    if (auto* const failure = std::get_if<Failure>(&opened))
        return std::move(*failure);
    auto& database = std::get<std::unique_ptr<Database>>(opened);
    const auto found = inspect(*database);
    if (auto failure = store::why_unusable(found.report, settings_.file, "sqlite", settings_.pool))
        return failure;
    layout_ = found.layout;
    translator_.emplace(layout_);
    replace(std::move(database));
    return std::nullopt;
}

void SqliteConnection::replace(std::unique_ptr<Database> database) {
    const std::lock_guard lock{replacing_};
    database_.swap(database);
}

void SqliteConnection::interrupt() noexcept {
    const std::lock_guard lock{replacing_};
    if (database_)
        database_->interrupt();
}

std::optional<Failure> SqliteConnection::begin_call() {
    if (!database_)
        return Failure{errc::unreachable, fmt::format("{} is not open", settings_.file)};
    database_->begin_call();
    if (database_->has_moved())
        return Failure{errc::unreachable,
                       fmt::format("{} was moved or deleted while in use", settings_.file)};
    return std::nullopt;
}

std::optional<Failure> SqliteConnection::write(std::span<const store::Op* const> batch,
                                               store::Attempt attempt) {
    if (auto failure = begin_call())
        return failure;
    if (batch.empty())
        return std::nullopt;
    auto failure = run_batch(batch, attempt);
    if (failure)
        database_->rollback();
    return failure;
}

std::optional<Failure> SqliteConnection::run_batch(std::span<const store::Op* const> batch,
                                                   store::Attempt attempt) {
    if (auto failure = database_->run("begin immediate"))
        return failure;
    MessageIds stored;
    if (!layout_.unique_msgid) {
        auto found = find_stored(batch, attempt);
        if (auto* const failure = std::get_if<Failure>(&found))
            return std::move(*failure);
        stored = std::get<MessageIds>(std::move(found));
    }
    for (const auto* op : batch) {
        const auto* const store = std::get_if<store::StoreMessage>(op);
        if (store != nullptr && !stored.empty() && stored.contains(store->message->id.to_string()))
            continue;
        if (auto failure = run_op(*op))
            return failure;
    }
    return database_->run("commit");
}

std::optional<Failure> SqliteConnection::run_op(const store::Op& op) {
    if (const auto* const users = std::get_if<store::Execute>(&op))
        return run_users(*users);
    for (const auto& command : translator_->translate(op)) {
        if (command.when == When::nothing_changed && database_->changed_rows() > 0)
            continue;
        if (auto failure = database_->run(command.sql, command.params))
            return failure;
    }
    return std::nullopt;
}

std::optional<Failure> SqliteConnection::run_users(const store::Execute& op) {
    return users_.run(op, [&](const std::string& text, std::span<const Param> params) {
        return database_->run(text, params, Author::user);
    });
}

/// Which messages of a repeated batch are in a table that has no unique key on their ids.
std::variant<SqliteConnection::MessageIds, Failure> SqliteConnection::find_stored(
    std::span<const store::Op* const> batch, store::Attempt attempt) {
    MessageIds stored;
    if (attempt == store::Attempt::first) {
        auto rows = database_->query("select coalesce(max(id), 0) from mqtt_msg");
        if (rows.next())
            known_id_ = rows.integer(0);
        if (rows.failure())
            return *rows.failure();
        return stored;
    }
    MessageIds wanted;
    for (const auto* op : batch) {
        if (const auto* const store = std::get_if<store::StoreMessage>(op))
            wanted.insert(store->message->id.to_string());
    }
    const auto command = translator_->msgids_after(known_id_);
    auto rows = database_->query(command.sql, command.params);
    while (!wanted.empty() && rows.next()) {
        std::string id{rows.bytes(0)};
        if (wanted.contains(id))
            stored.insert(std::move(id));
    }
    if (rows.failure())
        return *rows.failure();
    return stored;
}

std::variant<store::Reply, Failure> SqliteConnection::read(const store::Query& query) {
    if (auto failure = begin_call())
        return *std::move(failure);
    // One snapshot for positions and messages.
    if (auto failure = database_->run("begin"))
        return *std::move(failure);
    auto reply = answer(*database_, *translator_, layout_, query);
    database_->rollback();
    return reply;
}

}  // namespace

std::unique_ptr<store::Connection> make_connection(Settings settings, store::Role role) {
    return std::make_unique<SqliteConnection>(std::move(settings), role);
}

std::variant<std::unique_ptr<Database>, Failure> open_database(const Settings& settings,
                                                               store::Role role,
                                                               Database::Create create) {
    Database::Options options;
    options.create = create;
    options.busy_timeout = settings.busy_timeout;
    auto opened = Database::open(settings.file, options);
    if (std::holds_alternative<Failure>(opened))
        return opened;
    auto& database = *std::get<std::unique_ptr<Database>>(opened);
    if (auto failure =
            database.run(fmt::format("pragma cache_size = -{}", settings.cache_megabytes * 1024)))
        return *std::move(failure);
    if (role == store::Role::reader) {
        if (auto failure = database.run("pragma query_only = on"))
            return *std::move(failure);
        return opened;
    }
    if (database.is_read_only())
        return Failure{errc::storage_full,
                       fmt::format("{}: the file is read-only for this user", settings.file)};
    {
        auto mode = database.query("pragma journal_mode = wal");
        if (mode.next() && mode.bytes(0) != "wal")
            log.warn("no write-ahead log on this file system file={} journal_mode={}",
                     settings.file,
                     mode.bytes(0));
        if (mode.failure())
            return *mode.failure();
    }
    constexpr std::size_t page_bytes = 4096;
    const auto checkpoint = settings.checkpoint_megabytes * 1024 * 1024;
    for (const auto& pragma :
         {fmt::format("pragma synchronous = {}", to_string(settings.synchronous)),
          fmt::format("pragma wal_autocheckpoint = {}", checkpoint / page_bytes),
          fmt::format("pragma journal_size_limit = {}", 4 * checkpoint)}) {
        if (auto failure = database.run(pragma))
            return *std::move(failure);
    }
    return opened;
}

}  // namespace keepmq::sqlite
