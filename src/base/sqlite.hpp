#pragma once
// RAII over the SQLite C interface, for the files that the broker keeps for itself. One thread.

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace keepmq::embedded {

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// Makes the file if needed. Null without memory; otherwise sqlite3_errcode says whether it worked.
[[nodiscard]] inline Database open_database(const std::string& path) {
    sqlite3* raw = nullptr;
    (void)sqlite3_open_v2(
        path.c_str(),
        &raw,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        nullptr);
    return Database{raw};
}

/// Without results.
[[nodiscard]] inline bool execute(sqlite3* database, const char* sql) {
    return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

/// What the file holds cannot be read, and will not be later.
[[nodiscard]] inline bool is_damage(int status) {
    return (status & 0xff) == SQLITE_CORRUPT || (status & 0xff) == SQLITE_NOTADB;
}

/// Prepared once. Bind from left to right, then `run` or `step`.
class Statement {
  public:
    Statement() = default;
    /// Empty if it does not compile; `sqlite3_errmsg` says why.
    Statement(sqlite3* database, const char* sql) {
        sqlite3_stmt* raw = nullptr;
        sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
        statement_.reset(raw);
    }
    [[nodiscard]] explicit operator bool() const { return statement_ != nullptr; }

    template <std::integral T>
    Statement& bind(T number) {
        sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<std::int64_t>(number));
        return *this;
    }
    Statement& bind_null() {
        sqlite3_bind_null(statement_.get(), ++bound_);
        return *this;
    }
    /// The text must live until the statement was run.
    Statement& bind(std::string_view text) {
        sqlite3_bind_text64(statement_.get(),
                            ++bound_,
                            text.empty() ? "" : text.data(),
                            text.size(),
                            SQLITE_STATIC,
                            SQLITE_UTF8);
        return *this;
    }
    Statement& bind_blob(std::string_view bytes) {
        sqlite3_bind_blob64(statement_.get(),
                            ++bound_,
                            bytes.empty() ? "" : bytes.data(),
                            bytes.size(),
                            SQLITE_STATIC);
        return *this;
    }

    /// To its end. False after a failure.
    [[nodiscard]] bool run() {
        const bool done = step() == SQLITE_DONE;
        reset();
        return done;
    }
    [[nodiscard]] int step() {
        column_ = 0;
        return sqlite3_step(statement_.get());
    }
    void reset() {
        sqlite3_reset(statement_.get());
        sqlite3_clear_bindings(statement_.get());
        bound_ = 0;
    }

    // The columns of the present row, from left to right.
    [[nodiscard]] std::int64_t number() {
        return sqlite3_column_int64(statement_.get(), column_++);
    }
    template <std::integral T>
    void read(T& into) {
        into = static_cast<T>(number());
    }
    [[nodiscard]] bool is_null() const {
        return sqlite3_column_type(statement_.get(), column_) == SQLITE_NULL;
    }
    void skip() { ++column_; }
    /// Valid until the next step.
    [[nodiscard]] std::string_view bytes() {
        const void* data = sqlite3_column_blob(statement_.get(), column_);
        const auto size =
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column_++));
        return data == nullptr ? std::string_view{}
                               : std::string_view{static_cast<const char*>(data), size};
    }

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = 0;
    int column_ = 0;
};

}  // namespace keepmq::embedded
