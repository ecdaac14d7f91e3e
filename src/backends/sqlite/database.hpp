#pragma once
// RAII over the SQLite C interface: one open file, its prepared statements and its error codes.
// Lives on one thread, except `interrupt`.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "backends/sqlite/translate.hpp"
#include "model/ids.hpp"
#include "store/errc.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace keepmq::sqlite {

class Database;

/// Whose mistake it is when a statement does not compile. The user's statements may not end the
/// transaction, change pragmas or attach files.
enum class Author : std::uint8_t { keepmq, user };

/// A statement that runs. Ends it when destroyed.
class Rows {
  public:
    Rows(Database& database, sqlite3_stmt* statement, Author author);
    explicit Rows(store::Failure failure);
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows();

    /// False at the end and after a failure.
    [[nodiscard]] bool next();
    [[nodiscard]] const std::optional<store::Failure>& failure() const { return failure_; }

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    /// Text or blob; valid until next().
    [[nodiscard]] std::string_view bytes(int column) const;

  private:
    Database* database_ = nullptr;
    sqlite3_stmt* statement_ = nullptr;
    Author author_ = Author::keepmq;
    std::optional<store::Failure> failure_;
};

class Database {
  public:
    enum class Create : std::uint8_t { no, yes };

    struct Options {
        Create create = Create::no;
        std::chrono::milliseconds busy_timeout{5000};
    };

    /// Opens the file and reads its first page, so that a file that is no database fails here.
    [[nodiscard]] static std::variant<std::unique_ptr<Database>, store::Failure> open(
        const std::string& path, Options options);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Starts a statement; it is prepared once and kept. Its bindings must outlive the Rows.
    [[nodiscard]] Rows query(std::string_view sql,
                             std::span<const Param> params = {},
                             Author author = Author::keepmq);
    /// Runs a statement to its end.
    [[nodiscard]] std::optional<store::Failure> run(std::string_view sql,
                                                    std::span<const Param> params = {},
                                                    Author author = Author::keepmq);
    /// Runs several statements of ours, separated by `;`.
    [[nodiscard]] std::optional<store::Failure> run_script(const std::string& script);
    /// Compiles a user's statement and throws it away.
    [[nodiscard]] std::optional<store::Failure> try_statement(std::string_view sql);

    void rollback();
    [[nodiscard]] std::int64_t changed_rows() const;
    [[nodiscard]] bool is_read_only() const;
    /// The file was deleted, moved or replaced: what is written to it now would be lost.
    [[nodiscard]] bool has_moved() const;

    /// Forgets an interrupt of an earlier call.
    void begin_call() { interrupted_.store(false); }
    void interrupt() noexcept;

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;
    using Cache = std::unordered_map<std::string, Prepared, NamedHash, NamedEqual>;
    friend class Rows;

    Database(sqlite3* handle, std::string path, Options options);
    [[nodiscard]] std::variant<Prepared, store::Failure> prepare(std::string_view sql,
                                                                 Author author);
    [[nodiscard]] store::Failure failure(int code, Author author) const;
    [[nodiscard]] static int wait_while_busy(void* self, int count);

    std::string path_;
    Options options_;
    std::unique_ptr<sqlite3, Close> handle_;
    Cache ours_;
    Cache users_;
    std::atomic<bool> interrupted_{false};
    std::chrono::steady_clock::time_point busy_since_;
};

}  // namespace keepmq::sqlite
