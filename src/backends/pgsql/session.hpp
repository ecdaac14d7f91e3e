#pragma once
// RAII over libpq: one connection with its prepared statements, a deadline for each answer, and a
// way to wake a call that waits. Lives on one thread, except Interrupt.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "backends/pgsql/settings.hpp"
#include "backends/pgsql/translate.hpp"
#include "model/ids.hpp"
#include "sql/database.hpp"
#include "store/errc.hpp"

struct pg_conn;
struct pg_result;

namespace keepmq::pgsql {

class Bound;

/// Makes the calls of a session return. `raise` from any thread.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    void raise() const noexcept;
    void clear() const noexcept;
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

/// After a failure that is not permanent the session is of no more use.
class Session final : public sql::Database {
  public:
    /// The first server that answers and takes writes. `interrupt` must outlive the session.
    [[nodiscard]] static std::variant<std::unique_ptr<Session>, store::Failure> connect(
        const Settings& settings, const Interrupt& interrupt);
    ~Session() override;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// One statement of ours outside a transaction.
    [[nodiscard]] std::variant<sql::Rows, store::Failure> query(
        const sql::Command& command) override;

    /// One transaction, sent as a whole before the first answer is awaited. After a failure nothing
    /// of it is committed, unless the outcome is unknown.
    [[nodiscard]] std::optional<store::Failure> run(std::span<const Command> commands);

    /// Several statements of ours, separated by `;`, all or none.
    [[nodiscard]] std::optional<store::Failure> run_script(const std::string& script);

    /// Compiles a statement of the user.
    [[nodiscard]] std::optional<store::Failure> try_statement(const std::string& sql);

    /// After a failure of `run`: if a statement of the user may have failed because its table was
    /// changed since it was prepared, forgets all that is prepared. True: try again.
    [[nodiscard]] bool forget_stale_statements();

  private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    struct Clear {
        void operator()(pg_result* result) const;
    };
    using Result = std::unique_ptr<pg_result, Clear>;
    using Answer = std::variant<Result, store::Failure>;
    using Time = std::chrono::steady_clock::time_point;

    struct Prepared {
        std::string name;
        std::vector<std::uint32_t> types;  ///< of the parameters; of users' statements only
    };
    using Cache = std::unordered_map<std::string, Prepared, NamedHash, NamedEqual>;

    /// What the n-th answer of a pipeline belongs to.
    struct Sent {
        const Command* command = nullptr;  ///< null: begin, commit
        bool prepares = false;
        std::string_view sql;
    };

    Session(pg_conn* connection, const Settings& settings, const Interrupt& interrupt);
    [[nodiscard]] static std::variant<std::unique_ptr<Session>, store::Failure> connect_to(
        const store::Server& server, const Settings& settings, const Interrupt& interrupt);
    [[nodiscard]] std::optional<store::Failure> finish_connecting(Time deadline);
    [[nodiscard]] std::optional<store::Failure> set_up();

    /// Until the socket is ready, the deadline or an interrupt.
    [[nodiscard]] std::optional<store::Failure> wait(bool read, bool write, Time deadline);
    /// Sends what is left to send and waits until libpq has a whole result.
    [[nodiscard]] std::optional<store::Failure> await_result();
    /// The only result of a command outside a pipeline.
    [[nodiscard]] Answer take_answer(const store::Statement* users);
    [[nodiscard]] store::Failure lost() const;
    [[nodiscard]] store::Failure failure_of(const pg_result* result, const store::Statement* users);

    [[nodiscard]] std::optional<store::Failure> prepare_users(const Command& command);
    [[nodiscard]] std::optional<store::Failure> send_all(std::span<const Command> commands,
                                                         std::vector<Sent>& sent);
    [[nodiscard]] std::optional<store::Failure> send(const Command& command,
                                                     std::vector<Sent>& sent);
    [[nodiscard]] std::optional<store::Failure> bind(Bound& bound,
                                                     const Command& command,
                                                     const std::vector<std::uint32_t>& types);
    [[nodiscard]] bool send_simple(const char* sql);
    [[nodiscard]] std::optional<store::Failure> take_answers(std::span<const Sent> sent);
    [[nodiscard]] std::string next_name();
    void make_room();

    std::unique_ptr<pg_conn, Finish> connection_;
    std::string server_;
    std::chrono::milliseconds answer_timeout_;
    const Interrupt& interrupt_;
    Cache ours_;
    Cache users_;
    std::uint64_t names_ = 0;
    bool had_users_ = false;   ///< before the last transaction
    bool suspicious_ = false;  ///< its failure
};

}  // namespace keepmq::pgsql
