#include "store/spool.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

namespace keepmq::store {
namespace {

namespace fs = std::filesystem;

struct CloseDatabase {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Prepared = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

constexpr int version = 1;  // pragma user_version

constexpr const char* schema = R"(
create table if not exists spool (
    seq integer primary key,
    key integer not null,
    after_all integer not null,
    rule text not null,
    at integer not null,
    op blob not null
);
create table if not exists unreadable (
    rule text not null,
    at integer not null,
    op blob not null,
    why text not null
);
pragma user_version = 1;)";

constexpr const char* insert_sql =
    "insert into spool(seq,key,after_all,rule,at,op) values (?,?,?,?,?,?)";
constexpr const char* load_sql =
    "select seq,key,after_all,rule,at,op from spool where seq > ? order by seq limit ?";
constexpr const char* remove_sql = "delete from spool where seq between ? and ?";

/// A new folder that its parent forgets when the power fails would take the file along.
void make_folder(const fs::path& folder, std::error_code& error) {
    if (!fs::create_directories(folder, error))
        return;
    const int parent = ::open(folder.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return;
    (void)::fsync(parent);  // not every file system can
    ::close(parent);
}

/// A file that was larger than this is made small when it is empty.
constexpr std::int64_t small_file = 1 << 20;

bool is_damage(int status) {
    return (status & 0xff) == SQLITE_CORRUPT || (status & 0xff) == SQLITE_NOTADB;
}

Failure failure_of(sqlite3* db, const std::string& path) {
    const int status = sqlite3_errcode(db);
    const errc code = (status & 0xff) == SQLITE_BUSY || (status & 0xff) == SQLITE_LOCKED
                          ? errc::busy
                      : is_damage(status) ? errc::bad_statement
                                          : errc::storage_full;
    return {code, path + ": " + sqlite3_errmsg(db)};
}

class Command {
  public:
    Command(sqlite3* db, const char* sql) {
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
        prepared_.reset(statement);
    }
    [[nodiscard]] explicit operator bool() const { return prepared_ != nullptr; }

    Command& bind(std::int64_t value) {
        sqlite3_bind_int64(prepared_.get(), ++bound_, value);
        return *this;
    }
    Command& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
    /// Not copied. A null pointer would bind NULL.
    Command& bind_text(std::string_view text) {
        sqlite3_bind_text64(prepared_.get(),
                            ++bound_,
                            text.empty() ? "" : text.data(),
                            text.size(),
                            SQLITE_STATIC,
                            SQLITE_UTF8);
        return *this;
    }
    Command& bind_blob(std::string_view bytes) {
        sqlite3_bind_blob64(prepared_.get(),
                            ++bound_,
                            bytes.empty() ? "" : bytes.data(),
                            bytes.size(),
                            SQLITE_STATIC);
        return *this;
    }
    /// SQLITE_ROW, SQLITE_DONE, or an error.
    int step() {
        column_ = 0;
        return sqlite3_step(prepared_.get());
    }
    void reset() {
        sqlite3_reset(prepared_.get());
        sqlite3_clear_bindings(prepared_.get());
        bound_ = 0;
    }

    std::int64_t integer() { return sqlite3_column_int64(prepared_.get(), column_++); }
    std::uint64_t count() { return static_cast<std::uint64_t>(integer()); }
    std::string_view bytes() {
        const void* data = sqlite3_column_blob(prepared_.get(), column_);
        const auto size =
            static_cast<std::size_t>(sqlite3_column_bytes(prepared_.get(), column_++));
        return data == nullptr ? std::string_view{}
                               : std::string_view{static_cast<const char*>(data), size};
    }

  private:
    Prepared prepared_;
    int bound_ = 0;
    int column_ = 0;
};

class SqliteSpool final : public Spool {
  public:
    SqliteSpool(Database db, std::string path) : path_{std::move(path)}, db_{std::move(db)} {}

    [[nodiscard]] std::optional<NotOpened> prepare();

    [[nodiscard]] std::optional<Failure> append(std::span<const SpoolRow> rows) override;
    [[nodiscard]] std::variant<std::vector<SpoolRow>, Failure> load(
        std::uint64_t after, std::size_t max_rows, std::size_t max_bytes) const override;
    [[nodiscard]] std::optional<Failure> remove(std::uint64_t first, std::uint64_t last) override;
    [[nodiscard]] std::optional<Failure> keep_unreadable(std::uint64_t seq,
                                                         std::string_view why) override;
    void shrink() override;

    [[nodiscard]] std::uint64_t rows() const override { return rows_; }
    [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }
    [[nodiscard]] std::uint64_t last_seq() const override { return last_seq_; }
    [[nodiscard]] std::optional<WallTime> oldest() const override;
    void each_rule(
        const std::function<void(std::string_view, std::uint64_t)>& visit) const override;

  private:
    [[nodiscard]] bool run(const char* sql) const {
        return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    [[nodiscard]] Failure failure() const { return failure_of(db_.get(), path_); }
    /// One transaction; `work` is false when something in it failed.
    template <class Work>
    [[nodiscard]] std::optional<Failure> transaction(Work work);
    [[nodiscard]] std::int64_t number(const char* sql) const;
    [[nodiscard]] bool count();

    const std::string path_;
    Database db_;
    std::optional<Command> insert_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_seq_ = 0;
};

std::int64_t SqliteSpool::number(const char* sql) const {
    Command query{db_.get(), sql};
    return query && query.step() == SQLITE_ROW ? query.integer() : 0;
}

bool SqliteSpool::count() {
    Command query{db_.get(), "select count(*), coalesce(sum(length(op)), 0) from spool"};
    if (!query || query.step() != SQLITE_ROW)
        return false;
    rows_ = query.count();
    bytes_ = query.count() + rows_ * SpoolRow::overhead;
    return true;
}

std::optional<Spool::NotOpened> SqliteSpool::prepare() {
    const auto not_opened = [&] {
        return NotOpened{failure(), is_damage(sqlite3_errcode(db_.get()))};
    };
    // The lock is kept until the file is closed; there is no second connection to wait for.
    if (!run("pragma locking_mode = exclusive") || !run("pragma journal_mode = wal") ||
        !run("pragma synchronous = full"))
        return not_opened();
    {
        Command check{db_.get(), "pragma quick_check(1)"};
        if (!check || check.step() != SQLITE_ROW)
            return not_opened();
        if (const std::string verdict{check.bytes()}; verdict != "ok")
            return NotOpened{{errc::bad_statement, path_ + ": " + verdict}, true};
    }
    if (const auto found = number("pragma user_version"); found > version)
        return NotOpened{
            {errc::bad_statement,
             fmt::format(
                 "{}: written by a newer version ({}, this one knows {})", path_, found, version)},
            false};
    if (!run(schema) || !count())
        return not_opened();
    last_seq_ = static_cast<std::uint64_t>(number("select coalesce(max(seq), 0) from spool"));
    insert_.emplace(db_.get(), insert_sql);
    if (!*insert_)
        return not_opened();
    return {};
}

template <class Work>
std::optional<Failure> SqliteSpool::transaction(Work work) {
    if (!run("begin immediate"))
        return failure();
    if (work() && run("commit"))
        return {};
    auto why = failure();
    if (sqlite3_get_autocommit(db_.get()) == 0)
        (void)run("rollback");  // it was only to give the lock back
    return why;
}

std::optional<Failure> SqliteSpool::append(std::span<const SpoolRow> rows) {
    std::uint64_t bytes = 0;
    auto failure = transaction([&] {
        for (const SpoolRow& row : rows) {
            bytes += row.bytes();
            insert_->bind(row.seq)
                .bind(static_cast<std::uint64_t>(row.order.key))
                .bind(std::int64_t{row.order.after_all ? 1 : 0})
                .bind_text(row.rule)
                .bind(row.at.time_since_epoch().count())
                .bind_blob(row.op);
            const bool done = insert_->step() == SQLITE_DONE;
            insert_->reset();
            if (!done)
                return false;
        }
        return true;
    });
    if (failure)
        return failure;
    rows_ += rows.size();
    bytes_ += bytes;
    if (!rows.empty())
        last_seq_ = rows.back().seq;
    return {};
}

std::variant<std::vector<SpoolRow>, Failure> SqliteSpool::load(std::uint64_t after,
                                                               std::size_t max_rows,
                                                               std::size_t max_bytes) const {
    Command query{db_.get(), load_sql};
    if (!query)
        return failure();
    query.bind(after).bind(std::uint64_t{max_rows});
    std::vector<SpoolRow> rows;
    std::size_t bytes = 0;
    int status = SQLITE_DONE;
    while (bytes < max_bytes && (status = query.step()) == SQLITE_ROW) {
        SpoolRow& row = rows.emplace_back();
        row.seq = query.count();
        row.order.key = static_cast<std::size_t>(query.count());
        row.order.after_all = query.integer() != 0;
        row.rule = query.bytes();
        row.at = WallTime{Micros{query.integer()}};
        row.op = query.bytes();
        bytes += row.op.size();
    }
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        return failure();
    return rows;
}

std::optional<Failure> SqliteSpool::remove(std::uint64_t first, std::uint64_t last) {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    auto failure = transaction([&] {
        Command sizes{db_.get(),
                      "select count(*), coalesce(sum(length(op)), 0) from spool "
                      "where seq between ? and ?"};
        Command remove{db_.get(), remove_sql};
        if (!sizes || !remove || sizes.bind(first).bind(last).step() != SQLITE_ROW)
            return false;
        rows = sizes.count();
        bytes = sizes.count() + rows * SpoolRow::overhead;
        return remove.bind(first).bind(last).step() == SQLITE_DONE;
    });
    if (failure)
        return failure;
    rows_ -= rows;
    bytes_ -= bytes;
    return {};
}

std::optional<Failure> SqliteSpool::keep_unreadable(std::uint64_t seq, std::string_view why) {
    auto failure = transaction([&] {
        Command copy{db_.get(),
                     "insert into unreadable select rule,at,op,? from spool where seq = ?"};
        Command remove{db_.get(), remove_sql};
        return copy && remove && copy.bind_text(why).bind(seq).step() == SQLITE_DONE &&
               remove.bind(seq).bind(seq).step() == SQLITE_DONE;
    });
    if (!failure && !count())
        return this->failure();
    return failure;
}

void SqliteSpool::shrink() {
    if (number("pragma page_count") * number("pragma page_size") < small_file)
        return;
    // If that fails the file stays as large as it is.
    (void)(run("vacuum") && run("pragma wal_checkpoint(truncate)"));
}

std::optional<WallTime> SqliteSpool::oldest() const {
    Command query{db_.get(), "select at from spool order by seq limit 1"};
    if (!query || query.step() != SQLITE_ROW)
        return {};
    return WallTime{Micros{query.integer()}};
}

void SqliteSpool::each_rule(
    const std::function<void(std::string_view, std::uint64_t)>& visit) const {
    Command query{db_.get(), "select rule, count(*) from spool group by rule"};
    while (query && query.step() == SQLITE_ROW) {
        const std::string rule{query.bytes()};
        visit(rule, query.count());
    }
}

}  // namespace

std::variant<std::unique_ptr<Spool>, Spool::NotOpened> Spool::open(const std::string& path) {
    std::error_code error;
    make_folder(fs::path{path}.parent_path(), error);
    sqlite3* raw = nullptr;
    const int status =
        error ? SQLITE_CANTOPEN
              : sqlite3_open_v2(path.c_str(),
                                &raw,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                nullptr);
    Database db{raw};
    if (status != SQLITE_OK)
        return NotOpened{db ? failure_of(db.get(), path)
                            : Failure{errc::storage_full, path + ": " + error.message()},
                         false};
    auto spool = std::make_unique<SqliteSpool>(std::move(db), path);
    if (auto failure = spool->prepare())
        return *std::move(failure);
    return spool;
}

std::optional<Failure> Spool::remove_file(const std::string& path) {
    // A log without its file is dropped when the file is made anew.
    for (const char* part : {"", "-wal", "-shm"}) {
        std::error_code error;
        fs::remove(path + part, error);
        if (error)
            return Failure{errc::storage_full, path + part + ": " + error.message()};
    }
    return {};
}

std::variant<std::string, Failure> Spool::set_aside(const std::string& path) {
    const auto now = std::chrono::system_clock::now();
    std::string suffix = fmt::format(".damaged-{:%Y%m%dT%H%M%S}",
                                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
    std::error_code error;
    while (fs::exists(path + suffix, error)) suffix += '+';
    // The log first: alone, a file without its log would look whole.
    for (const char* part : {"-wal", "-shm", ""}) {
        const std::string from = path + part;
        if (!fs::exists(from, error))
            continue;
        fs::rename(from, path + suffix + part, error);
        if (error)
            return Failure{errc::storage_full, from + ": " + error.message()};
    }
    return path + suffix;
}

}  // namespace keepmq::store
