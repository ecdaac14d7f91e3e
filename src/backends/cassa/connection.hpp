#pragma once
// A session with the cluster: statements out, rows in. All connections of a pool share one, and the
// driver below it keeps the sockets to all nodes. The only place that knows the driver.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "backends/cassa/settings.hpp"
#include "backends/cassa/value.hpp"
#include "sql/database.hpp"
#include "store/errc.hpp"

struct KmScope;
struct KmSession;
struct KmStatement;

namespace keepmq::cassa {

/// What one thread has under way, so that another can make it return.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    void raise() noexcept;  ///< any thread
    void clear() noexcept;
    [[nodiscard]] const KmScope* scope() const { return scope_; }

  private:
    KmScope* scope_;
};

/// Whose mistake it is when a statement cannot run.
enum class Author : std::uint8_t { keepmq, user };

/// Sent as one. Several commands are a batch: all or none of them.
struct Request {
    std::vector<Command> commands;
    Author author = Author::keepmq;
    bool logged = false;  ///< a batch that touches several partitions
};

using Answer = std::variant<sql::Rows, store::Failure>;

/// Any thread; each brings its own Interrupt.
class Session {
  public:
    [[nodiscard]] static std::variant<std::shared_ptr<Session>, store::Failure> connect(
        const Settings& settings, const Interrupt& interrupt);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Sends all, many at once, and waits for all answers, one for each. Of two writes to one cell
    /// the one that stands later wins, whichever arrives first.
    [[nodiscard]] std::vector<Answer> run(std::span<const Request> requests,
                                          const Interrupt& interrupt);
    [[nodiscard]] std::vector<Answer> run(std::vector<Command> commands,
                                          const Interrupt& interrupt);
    [[nodiscard]] Answer run(Command command, const Interrupt& interrupt);

    /// Statements without values, separated by semicolons at the ends of lines.
    [[nodiscard]] std::optional<store::Failure> run_script(std::string_view script,
                                                           const Interrupt& interrupt);
    /// What the server dislikes about a user's statement.
    [[nodiscard]] std::optional<store::Failure> try_statement(const std::string& cql,
                                                              const Interrupt& interrupt);

    /// A failure showed that it is better to connect anew.
    [[nodiscard]] bool is_broken() const { return broken_; }

  private:
    struct Free {
        void operator()(KmSession* session) const;
        void operator()(KmStatement* statement) const;
    };
    using Prepared = std::shared_ptr<const KmStatement>;
    using StatementOr = std::variant<Prepared, store::Failure>;

    explicit Session(KmSession* session) : session_{session} {}

    [[nodiscard]] std::vector<StatementOr> prepare(std::span<const Request> requests,
                                                   const Interrupt& interrupt);
    void send(std::span<const Request> requests,
              std::span<const StatementOr> statements,
              std::span<Answer> answers,
              const Interrupt& interrupt);
    [[nodiscard]] std::int64_t next_timestamp();
    store::Failure note(store::Failure failure);

    std::unique_ptr<KmSession, Free> session_;
    std::atomic<bool> broken_{false};
    std::atomic<std::int64_t> timestamp_{0};
    std::mutex mutex_;
    std::map<std::pair<std::string, Author>, Prepared> statements_;  ///< under mutex_
};

}  // namespace keepmq::cassa
