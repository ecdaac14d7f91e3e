#pragma once
// A pool: `lanes` writer threads with one connection and one queue each, and reader threads.
//
// Operations with the same order key go to the same lane and commit in the order of submission. A
// lane takes whatever waits (up to max_batch) and commits it as one batch; while it commits the
// next batch gathers, so there is no artificial delay.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/backend.hpp"
#include "store/errc.hpp"
#include "store/metrics.hpp"
#include "store/op.hpp"

namespace keepmq::store {

class DeadLetters;

/// Names a rule in dead letters, logs and metrics. Owned by the rule set; outlives the pool's work.
struct RuleContext {
    std::string name;  ///< `sqlite message.publish.1`
    RuleStats stats;
};

/// What became of an operation.
enum class Fate : std::uint8_t {
    committed,      ///< durable in the database; for a query: answered
    dead_lettered,  ///< permanent error: kept in the local dead letters, counts as success for the
                    ///< client
    spooled,        ///< durable in the local spool, and on its way to the database in order
    refused,        ///< nowhere durable: the client must not be told that it is safe
};

struct Outcome {
    Fate fate = Fate::committed;
    std::optional<Failure> failure;  ///< why not committed
    Reply reply;                     ///< of a query
};

/// Given with a submission, returned with its outcome. Its meaning belongs to the submitter.
using Token = std::uint64_t;

struct Completed {
    Token token;
    Outcome outcome;
};

/// Receives outcomes. Called on lane and reader threads with all outcomes of a batch at once; must
/// only hand them on (to a mailbox) and return. What is submitted to a stopped pool comes back on
/// the thread of the submitter.
class CompletionSink {
  public:
    virtual ~CompletionSink() = default;
    virtual void completed(std::vector<Completed>&& batch) = 0;
};

/// The file that takes the writes of a pool whose database is away or too slow.
struct SpoolSettings {
    std::string path;                       ///< empty: this pool has no spool
    std::chrono::milliseconds after{1000};  ///< age of the oldest waiting write that starts it
    std::uint64_t max_size = 4UL << 30U;    ///< bytes of its rows
    std::chrono::seconds max_age{0};        ///< of its oldest row; 0: any
    /// The rule of a row that was found in the file, by name; null if it is gone. Any thread.
    std::function<RuleContext*(std::string_view)> find_rule;
};

struct SpoolStatus {
    bool spooling = false;   ///< new writes go to the file, not to the lanes
    std::uint64_t rows = 0;  ///< in the file
    std::uint64_t bytes = 0;
    std::chrono::seconds oldest{0};  ///< age of the oldest row
    std::uint64_t written = 0;       ///< rows since the start
    std::uint64_t drained = 0;
    std::uint64_t written_each_second = 0;  ///< of late
    std::uint64_t drained_each_second = 0;
    std::uint64_t failures = 0;   ///< attempts to write to the file or to read it that failed
    std::uint64_t set_aside = 0;  ///< damaged files and rows that were moved out of the way
    std::string last_error;       ///< empty if none
};

struct PoolSettings {
    std::string kind;
    std::string name;
    std::size_t max_batch = 1000;
    std::size_t queue_limit = 100'000;  ///< writes waiting; see Pool::has_room
    std::chrono::milliseconds retry_first{50};
    std::chrono::milliseconds retry_limit{5000};
    /// A write that could be neither committed nor spooled for so long is refused.
    std::chrono::milliseconds give_up_after{10'000};
    SpoolSettings spool;
};

enum class PoolState : std::uint8_t { connecting, running, degraded, stopped };
[[nodiscard]] std::string_view to_string(PoolState state);

/// Where in the order of its pool an operation or query stands.
struct Order {
    std::size_t key =
        0;  ///< hash of the topic (messages, positions) or of the client id (presence)
    bool after_all = false;  ///< first wait for everything submitted before, in all lanes
};
[[nodiscard]] std::size_t order_key(std::string_view text);

/// Thread-safe: any shard may submit. Destruction stops it at once; `drain` first for a clean end.
class Pool {
  public:
    /// Starts the threads; connects in the background.
    Pool(PoolSettings settings, std::shared_ptr<const Backend> backend, DeadLetters& dead_letters);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// Queues a write. With a sink, exactly one outcome comes back; without, the outcome is only
    /// counted. `rule` may be null.
    void submit(
        Op op, Order order, RuleContext* rule, CompletionSink* sink = nullptr, Token token = 0);

    /// Queues a read that sees every write submitted before it with the same order key (or with
    /// after_all: with any key), also those in the spool. Waits for the database as long as it
    /// takes; `cancel` drops it.
    void query(Query query, Order order, RuleContext* rule, CompletionSink& sink, Token token);

    /// Drops a query that still waits for a reader or behind the spool; then no outcome comes. One
    /// that is under way, or behind writes in the lanes, is answered all the same.
    void cancel(const CompletionSink& sink, Token token);

    /// False while the queue or the spool is over its limit: the submitter should stop reading its
    /// publishers.
    [[nodiscard]] bool has_room() const;

    /// Waits until all that was submitted is settled, at most until the deadline; what cannot be
    /// committed now is spooled at once. True if all was.
    bool drain(std::chrono::steady_clock::time_point deadline);

    /// Ends the threads; what still waits is refused with errc::shutting_down. The spool keeps its
    /// rows and lets go of its file.
    void stop();

    [[nodiscard]] const PoolSettings& settings() const;
    [[nodiscard]] const Backend& backend() const;
    [[nodiscard]] const PoolStats& stats() const;
    [[nodiscard]] PoolState state() const;
    [[nodiscard]] std::string last_error() const;  ///< empty if none
    [[nodiscard]] std::vector<std::size_t> lane_depths() const;
    [[nodiscard]] std::optional<SpoolStatus> spool() const;  ///< nothing: it has none

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::store
