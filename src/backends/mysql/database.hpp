#pragma once
// RAII over the client library: one connection to a server and its prepared statements. Lives on
// one thread; only an Interrupt is for others.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "backends/mysql/errors.hpp"
#include "backends/mysql/settings.hpp"
#include "model/ids.hpp"
#include "sql/database.hpp"
#include "store/backend.hpp"

struct st_mysql;
struct st_mysql_stmt;

namespace keepmq::mysql {

/// Bytes of a value on the wire, roughly.
[[nodiscard]] std::size_t size_of(const sql::Param& param);

/// Lets another thread end a call that is blocked on the network. A connection attempt ends at its
/// own time-out instead.
class Interrupt {
  public:
    /// Forgets an earlier raise().
    void lower() { raised_.store(false); }
    void raise() noexcept;
    [[nodiscard]] bool is_raised() const { return raised_.load(); }

    /// The socket to shut down; -1: none. It stays open until watch() is called again.
    void watch(int socket);

  private:
    std::mutex mutex_;
    int socket_ = -1;
    std::atomic<bool> raised_{false};
};

class Database final : public sql::Database {
  public:
    /// What one statement is run for many times over.
    using Row = std::vector<sql::Param>;

    /// Tries the servers one after the other. A writer passes over servers that are read-only, if
    /// there are others.
    [[nodiscard]] static std::variant<std::unique_ptr<Database>, store::Failure> connect(
        const Settings& settings, store::Role role, Interrupt& interrupt);
    ~Database() override;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// All rows of a statement of ours; it is prepared once and kept.
    [[nodiscard]] std::variant<sql::Rows, store::Failure> query(
        const sql::Command& command) override;
    /// Runs a statement for its effect; one of the user may return rows, which are dropped.
    [[nodiscard]] std::optional<store::Failure> run(std::string_view sql,
                                                    std::span<const sql::Param> params = {},
                                                    Author author = Author::keepmq);
    /// Runs a statement for all rows in one message to the server, if it can_run_bulk(). In a
    /// column all values that are not null have one type.
    [[nodiscard]] std::optional<store::Failure> run_bulk(std::string_view sql,
                                                         std::span<const Row> rows);
    [[nodiscard]] bool can_run_bulk() const { return bulk_; }
    [[nodiscard]] bool is_mysql() const { return mysql_; }  ///< not MariaDB

    /// Runs several statements of ours, separated by `;`.
    [[nodiscard]] std::optional<store::Failure> run_script(const std::string& script);
    /// Compiles a user's statement and throws it away.
    [[nodiscard]] std::optional<store::Failure> try_statement(std::string_view sql);

    /// One snapshot for all that is read until rollback().
    [[nodiscard]] std::optional<store::Failure> begin_reading();
    /// Without it each statement is a transaction.
    [[nodiscard]] std::optional<store::Failure> begin();
    [[nodiscard]] std::optional<store::Failure> commit();
    void rollback();

    /// Rows that the last run() found, whether or not it changed them.
    [[nodiscard]] std::uint64_t matched_rows() const { return matched_rows_; }
    /// The last failure was about a unique key.
    [[nodiscard]] bool failed_on_duplicate() const { return is_duplicate(last_error_); }
    /// Bytes that the server takes in one statement.
    [[nodiscard]] std::size_t largest_packet() const { return largest_packet_; }
    /// Host, port and database.
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    struct Close {
        void operator()(st_mysql* handle) const;
    };
    struct CloseStatement {
        void operator()(st_mysql_stmt* statement) const;
    };
    using Handle = std::unique_ptr<st_mysql, Close>;
    struct Prepared {
        std::unique_ptr<st_mysql_stmt, CloseStatement> statement;
        std::vector<std::size_t> order;  ///< n-th placeholder -> parameter
    };
    using Cache = std::unordered_map<std::string, Prepared, NamedHash, NamedEqual>;

    Database(Handle handle, std::string name, Interrupt& interrupt);

    [[nodiscard]] static std::variant<std::unique_ptr<Database>, store::Failure> connect_to(
        const store::Server& server,
        const Settings& settings,
        store::Role role,
        Interrupt& interrupt);
    [[nodiscard]] std::optional<store::Failure> set_up(const Settings& settings, store::Role role);
    [[nodiscard]] std::optional<store::Failure> run_text(const std::string& sql);
    [[nodiscard]] std::variant<Prepared*, store::Failure> prepared(std::string_view sql,
                                                                   Author author);
    [[nodiscard]] std::variant<Prepared, store::Failure> prepare(const std::string& sql,
                                                                 Author author);
    [[nodiscard]] std::optional<store::Failure> execute(Prepared& prepared,
                                                        std::span<const sql::Param> params,
                                                        Author author);
    [[nodiscard]] std::variant<sql::Rows, store::Failure> take_rows(st_mysql_stmt* statement);
    [[nodiscard]] store::Failure failure(Author author);
    [[nodiscard]] store::Failure failure(st_mysql_stmt* statement, Author author);

    std::string name_;
    Interrupt& interrupt_;
    Handle handle_;
    Cache ours_;
    Cache users_;
    bool bulk_ = false;
    bool mysql_ = false;
    bool read_only_ = false;
    std::size_t largest_packet_ = 0;
    std::uint64_t matched_rows_ = 0;
    unsigned last_error_ = 0;
};

}  // namespace keepmq::mysql
