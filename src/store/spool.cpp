#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "store/spool_rows.hpp"

namespace keepmq::store {
namespace {

namespace fs = std::filesystem;

using embedded::Database;
using embedded::is_damage;
using embedded::Statement;

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
    "insert into spool(" KEEPMQ_SPOOL_COLUMNS ") values (?,?,?,?,?,?)";
constexpr const char* load_sql =
    "select " KEEPMQ_SPOOL_COLUMNS " from spool where seq > ? order by seq limit ?";
constexpr const char* remove_sql = "delete from spool where seq between ? and ?";

/// A new folder that its parent forgets when the power fails would take the file along.
void make_folder(const fs::path& folder, std::error_code& error) {
    if (fs::create_directories(folder, error))
        flush_folder(folder.parent_path());
}

/// A file that was larger than this is made small when it is empty.
constexpr std::int64_t small_file = 1 << 20;

Failure failure_of(sqlite3* db, const std::string& path) {
    const int status = sqlite3_errcode(db);
    const errc code = (status & 0xff) == SQLITE_BUSY || (status & 0xff) == SQLITE_LOCKED
                          ? errc::busy
                      : is_damage(status) ? errc::bad_statement
                                          : errc::storage_full;
    return {code, path + ": " + sqlite3_errmsg(db)};
}

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
        std::uint64_t after,
        const std::function<void(std::string_view, std::uint64_t)>& visit) const override;

  private:
    [[nodiscard]] bool run(const char* sql) const { return embedded::execute(db_.get(), sql); }
    [[nodiscard]] Failure failure() const { return failure_of(db_.get(), path_); }
    /// One transaction; `work` is false when something in it failed.
    template <class Work>
    [[nodiscard]] std::optional<Failure> transaction(Work work);
    [[nodiscard]] std::int64_t number(const char* sql) const;
    [[nodiscard]] bool count();

    const std::string path_;
    Database db_;
    std::optional<Statement> insert_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t last_seq_ = 0;
};

std::int64_t SqliteSpool::number(const char* sql) const {
    Statement query{db_.get(), sql};
    return query && query.step() == SQLITE_ROW ? query.number() : 0;
}

bool SqliteSpool::count() {
    Statement query{db_.get(), "select count(*), coalesce(sum(length(op)), 0) from spool"};
    if (!query || query.step() != SQLITE_ROW)
        return false;
    query.read(rows_);
    query.read(bytes_);
    bytes_ += rows_ * SpoolRow::overhead;
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
        Statement check{db_.get(), "pragma quick_check(1)"};
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
                .bind(row.rule)
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
    Statement query{db_.get(), load_sql};
    if (!query)
        return failure();
    query.bind(after).bind(std::uint64_t{max_rows});
    std::vector<SpoolRow> rows;
    std::size_t bytes = 0;
    int status = SQLITE_DONE;
    while (bytes < max_bytes && (status = query.step()) == SQLITE_ROW) {
        rows.push_back(read_spool_row(query));
        bytes += rows.back().op.size();
    }
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        return failure();
    return rows;
}

std::optional<Failure> SqliteSpool::remove(std::uint64_t first, std::uint64_t last) {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    auto failure = transaction([&] {
        Statement sizes{db_.get(),
                        "select count(*), coalesce(sum(length(op)), 0) from spool "
                        "where seq between ? and ?"};
        Statement remove{db_.get(), remove_sql};
        if (!sizes || !remove || sizes.bind(first).bind(last).step() != SQLITE_ROW)
            return false;
        sizes.read(rows);
        sizes.read(bytes);
        bytes += rows * SpoolRow::overhead;
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
        Statement copy{db_.get(),
                       "insert into unreadable select rule,at,op,? from spool where seq = ?"};
        Statement remove{db_.get(), remove_sql};
        return copy && remove && copy.bind(why).bind(seq).step() == SQLITE_DONE &&
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
    Statement query{db_.get(), "select at from spool order by seq limit 1"};
    if (!query || query.step() != SQLITE_ROW)
        return {};
    return WallTime{Micros{query.number()}};
}

void SqliteSpool::each_rule(
    std::uint64_t after, const std::function<void(std::string_view, std::uint64_t)>& visit) const {
    Statement query{db_.get(), "select rule, count(*) from spool where seq > ? group by rule"};
    if (query)
        query.bind(after);
    while (query && query.step() == SQLITE_ROW) {
        const std::string rule{query.bytes()};
        visit(rule, static_cast<std::uint64_t>(query.number()));
    }
}

}  // namespace

std::variant<std::unique_ptr<Spool>, Spool::NotOpened> Spool::open(const std::string& path) {
    std::error_code error;
    make_folder(fs::path{path}.parent_path(), error);
    if (error)
        return NotOpened{{errc::storage_full, path + ": " + error.message()}, false};
    end_rescue(path);
    auto db = embedded::open_database(path);
    if (!db)
        return NotOpened{{errc::storage_full, path + ": out of memory"}, false};
    if (sqlite3_errcode(db.get()) != SQLITE_OK)
        return NotOpened{failure_of(db.get(), path), false};
    auto spool = std::make_unique<SqliteSpool>(std::move(db), path);
    if (auto failure = spool->prepare())
        return *std::move(failure);
    return spool;
}

}  // namespace keepmq::store
