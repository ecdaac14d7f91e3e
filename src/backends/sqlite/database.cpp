#include "backends/sqlite/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <thread>

#include "base/overloaded.hpp"

namespace keepmq::sqlite {
namespace {

using store::errc;
using store::Failure;

/// More user statements than this are not kept prepared (a rule set has a handful).
constexpr std::size_t cache_limit = 500;

errc to_errc(int code) {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_SCHEMA:
        case SQLITE_NOMEM:
            return errc::busy;
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_IOERR:
            return errc::storage_full;
        case SQLITE_CANTOPEN:
            return errc::unreachable;
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return errc::access_denied;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
            return errc::schema_mismatch;
        case SQLITE_CONSTRAINT:
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
            return errc::bad_value;
        case SQLITE_INTERRUPT:
            return errc::timed_out;
        default:
            return errc::connection_lost;
    }
}

/// SQLITE_ERROR is a mistake in the text of a statement, or a function that refuses a value.
errc to_errc_of_statement(std::string_view message, Author author) {
    const bool about_names =
        message.find("no such ") != message.npos || message.find("has no column") != message.npos;
    if (author == Author::keepmq)
        return errc::schema_mismatch;
    return about_names ? errc::bad_statement : errc::bad_value;
}

int allow(void*, int action, const char*, const char*, const char*, const char*) {
    switch (action) {
        case SQLITE_TRANSACTION:
        case SQLITE_SAVEPOINT:
        case SQLITE_ATTACH:
        case SQLITE_DETACH:
        case SQLITE_PRAGMA:
            return SQLITE_DENY;
        default:
            return SQLITE_OK;
    }
}

int bind(sqlite3_stmt* statement, int index, const Param& param) {
    const auto text = [&](std::string_view value) {
        return sqlite3_bind_text64(statement,
                                   index,
                                   value.empty() ? "" : value.data(),
                                   value.size(),
                                   SQLITE_STATIC,
                                   SQLITE_UTF8);
    };
    return std::visit(
        Overloaded{
            [&](std::monostate) { return sqlite3_bind_null(statement, index); },
            [&](std::int64_t value) { return sqlite3_bind_int64(statement, index, value); },
            [&](double value) { return sqlite3_bind_double(statement, index, value); },
            [&](std::string_view value) { return text(value); },
            [&](const std::string& value) { return text(value); },
            [&](BlobView value) {
                // A null pointer would bind NULL.
                const void* const data =
                    value.bytes.empty() ? "" : static_cast<const void*>(value.bytes.data());
                return sqlite3_bind_blob64(
                    statement, index, data, value.bytes.size(), SQLITE_STATIC);
            },
        },
        param);
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n;") == text.npos;
}

}  // namespace

// --- Rows --------------------------------------------------------------------------------------

Rows::Rows(Database& database, sqlite3_stmt* statement, Author author)
    : database_{&database}, statement_{statement}, author_{author} {}

Rows::Rows(Failure failure) : failure_{std::move(failure)} {}

Rows::~Rows() {
    if (statement_ != nullptr)
        sqlite3_reset(statement_);
}

bool Rows::next() {
    if (failure_ || statement_ == nullptr)
        return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        failure_ = database_->failure(code, author_);
    sqlite3_reset(statement_);
    statement_ = nullptr;
    return false;
}

bool Rows::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Rows::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Rows::bytes(int column) const {
    // column_blob would give text in the encoding of the file.
    const void* const value = sqlite3_column_type(statement_, column) == SQLITE_BLOB
                                  ? sqlite3_column_blob(statement_, column)
                                  : sqlite3_column_text(statement_, column);
    const auto* const data = static_cast<const char*>(value);
    const auto size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view{}
                           : std::string_view{data, static_cast<std::size_t>(size)};
}

// --- Database ----------------------------------------------------------------------------------

void Database::Close::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

void Database::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Database::Database(sqlite3* handle, std::string path, Options options)
    : path_{std::move(path)}, options_{options}, handle_{handle} {}

Database::~Database() = default;

std::variant<std::unique_ptr<Database>, Failure> Database::open(const std::string& path,
                                                                Options options) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (options.create == Create::yes)
        flags |= SQLITE_OPEN_CREATE;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    std::unique_ptr<Database> database{new Database{handle, path, options}};
    if (handle == nullptr)
        return Failure{errc::unreachable, fmt::format("{}: not enough memory to open it", path)};
    if (code != SQLITE_OK)
        return database->failure(code, Author::keepmq);
    sqlite3_busy_handler(handle, &Database::wait_while_busy, database.get());
    if (auto failure = database->run("select count(*) from sqlite_schema"))
        return *std::move(failure);
    return database;
}

Rows Database::query(std::string_view sql, std::span<const Param> params, Author author) {
    auto& cache = author == Author::user ? users_ : ours_;
    auto found = cache.find(sql);
    if (found == cache.end()) {
        auto prepared = prepare(sql, author);
        if (auto* const failure = std::get_if<Failure>(&prepared))
            return Rows{std::move(*failure)};
        if (cache.size() >= cache_limit)
            cache.clear();
        found = cache.emplace(std::string{sql}, std::get<Prepared>(std::move(prepared))).first;
    }
    auto* const statement = found->second.get();
    const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement));
    if (wanted > params.size())
        return Rows{Failure{
            errc::bad_statement,
            fmt::format("the statement has {} parameters, {} were given", wanted, params.size())}};
    for (std::size_t i = 0; i < wanted; ++i) {
        if (const int code = bind(statement, static_cast<int>(i) + 1, params[i]); code != SQLITE_OK)
            return Rows{failure(code, author)};
    }
    return Rows{*this, statement, author};
}

std::optional<Failure> Database::run(std::string_view sql,
                                     std::span<const Param> params,
                                     Author author) {
    auto rows = query(sql, params, author);
    while (rows.next()) {
    }
    return rows.failure();
}

std::optional<Failure> Database::run_script(const std::string& script) {
    const int code = sqlite3_exec(handle_.get(), script.c_str(), nullptr, nullptr, nullptr);
    if (code == SQLITE_OK)
        return std::nullopt;
    return failure(code, Author::keepmq);
}

std::optional<Failure> Database::try_statement(std::string_view sql) {
    auto prepared = prepare(sql, Author::user);
    if (auto* const failure = std::get_if<Failure>(&prepared))
        return std::move(*failure);
    return std::nullopt;
}

std::variant<Database::Prepared, Failure> Database::prepare(std::string_view sql, Author author) {
    if (author == Author::user)
        sqlite3_set_authorizer(handle_.get(), &allow, nullptr);
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(),
                                        sql.data(),
                                        static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT,
                                        &statement,
                                        &tail);
    Prepared prepared{statement};
    std::optional<Failure> problem;
    if (code != SQLITE_OK) {
        problem = failure(code, author);
        const int kind = code & 0xFF;
        if (author == Author::user && (kind == SQLITE_ERROR || kind == SQLITE_AUTH))
            problem->code = errc::bad_statement;
        if (kind == SQLITE_AUTH)
            problem->text += ": transactions, pragmas and attached files belong to the broker";
    } else if (statement == nullptr) {
        problem = Failure{errc::bad_statement, "the statement is empty"};
    } else if (!is_blank(sql.substr(static_cast<std::size_t>(tail - sql.data())))) {
        problem = Failure{errc::bad_statement,
                          "more than one statement in one string: list them one by one"};
    }
    if (author == Author::user)
        sqlite3_set_authorizer(handle_.get(), nullptr, nullptr);
    if (problem)
        return *std::move(problem);
    return prepared;
}

Failure Database::failure(int code, Author author) const {
    const std::string_view message = sqlite3_errmsg(handle_.get());
    auto kind = to_errc(code);
    if ((code & 0xFF) == SQLITE_ERROR)
        kind = to_errc_of_statement(message, author);
    std::string_view note;
    if ((code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB)
        note = "; the file is damaged or is no SQLite database, it is left as it is";
    else if ((code & 0xFF) == SQLITE_CANTOPEN)
        note = options_.create == Create::yes
                   ? ""
                   : "; does the file exist, and may it be read and written?";
    const int extended = sqlite3_extended_errcode(handle_.get());
    return {kind, fmt::format("{}: {} (SQLite code {}){}", path_, message, extended, note)};
}

void Database::rollback() {
    if (sqlite3_get_autocommit(handle_.get()) != 0)
        return;
    // If it fails, SQLite has rolled back by itself or the lane opens the file again.
    static_cast<void>(run("rollback"));
}

std::int64_t Database::changed_rows() const {
    return sqlite3_changes64(handle_.get());
}

bool Database::is_read_only() const {
    return sqlite3_db_readonly(handle_.get(), "main") == 1;
}

bool Database::has_moved() const {
    int moved = 0;
    return sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved != 0;
}

void Database::interrupt() noexcept {
    interrupted_.store(true);
    sqlite3_interrupt(handle_.get());
}

/// As SQLite's own busy time-out, but it ends when the call is interrupted.
int Database::wait_while_busy(void* self, int count) {
    auto& database = *static_cast<Database*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (count == 0)
        database.busy_since_ = now;
    if (database.interrupted_.load() ||
        now - database.busy_since_ >= database.options_.busy_timeout)
        return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds{std::min(20, 1 + count)});
    return 1;
}

}  // namespace keepmq::sqlite
