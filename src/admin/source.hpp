#pragma once
// What the admin interface needs to know and may ask for. `runtime` implements it over the shards.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "store/dead_letters.hpp"
#include "store/metrics.hpp"
#include "store/pool.hpp"

namespace keepmq::admin {

struct ListenerStatus {
    std::string name;     ///< `tcp:external`
    std::string address;  ///< `127.0.0.1:1883` as bound
    std::uint64_t connections = 0;
    std::uint64_t accepted = 0;
    std::size_t max_connections = 0;
};

/// What the broker keeps of sessions and retained messages; see sessions::Stats.
struct PersistenceStatus {
    bool on = false;
    std::string last_error;  ///< empty while all is well
    std::uint64_t changes = 0, rows = 0, batches = 0, failures = 0, backlog = 0, set_aside = 0;
    std::uint64_t commit_micros_p50 = 0, commit_micros_p99 = 0;
};

struct Status {
    std::string version;
    std::string node;
    std::chrono::seconds uptime{0};
    std::uint64_t rss_bytes = 0;
    std::size_t shards = 1;
    /// By shard: letters of other shards that it has not read, and messages that it handed over
    /// and were not answered. Empty for one shard.
    std::vector<std::size_t> shard_letters;
    std::vector<ListenerStatus> listeners;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t paused_connections = 0;
    PersistenceStatus persistence;
};

struct PluginStatus {
    std::string name;  ///< `emqx_backend_sqlite`
    std::string description;
    bool active = false;
    std::string conf_file;
    std::string error;  ///< why it could not be loaded; empty if none
};

struct PoolStatus {
    std::string plugin;
    std::string kind;
    std::string name;
    std::string state;  ///< connecting, running, degraded, stopped
    std::string durability;
    std::string last_error;
    std::string spool;        ///< none, direct, spooling
    std::string spool_error;  ///< why it does not work; empty if it does
    std::vector<std::size_t> lane_depths;
    std::uint64_t accepted = 0, committed = 0, dead_lettered = 0, refused = 0, retries = 0,
                  queued = 0, spooled = 0;
    std::uint64_t spooling = 0, spool_bytes = 0, spool_oldest_seconds = 0, spool_written = 0,
                  spool_drained = 0, spool_written_each_second = 0, spool_drained_each_second = 0,
                  spool_failures = 0, spool_set_aside = 0;
    std::uint64_t batches = 0, queries = 0, query_errors = 0;
    std::uint64_t batch_size_p50 = 0, batch_size_p99 = 0;
    std::uint64_t commit_micros_p50 = 0, commit_micros_p99 = 0;
    std::uint64_t wait_micros_p50 = 0, wait_micros_p99 = 0;
};

struct RuleStatus {
    std::string plugin;
    std::string name;    ///< `sqlite message.publish.1`
    std::string filter;  ///< empty: every topic
    std::string action;  ///< function name or the statements
    std::string pool;
    std::uint64_t hits = 0, not_applicable = 0, accepted = 0, committed = 0, dead_lettered = 0,
                  refused = 0, spooled = 0, errors = 0;
};

struct RetainedMessage {
    std::string topic;
    std::string payload;
    int qos = 0;
    std::string from;
    std::string id;
    WallTime at;
};

/// Outcome of an operator's request; `message` is for a person.
struct Done {
    bool ok = true;
    std::string message;
};

/// Outlives the Server; its destructor waits for a call that is under way. An exception becomes an
/// answer with status 500. Thread-safe; each call asks the shards and waits for their answers
/// (milliseconds).
class Source {
  public:
    virtual ~Source() = default;

    [[nodiscard]] virtual Status status() = 0;
    [[nodiscard]] virtual broker::Stats stats() = 0;

    /// Sorted by client id; `offset`/`limit` for paging, `total` of all.
    template <class T>
    struct Page {
        std::vector<T> items;
        std::size_t total = 0;
    };
    /// `connected_only`: clients; else all sessions. `client` empty: all.
    [[nodiscard]] virtual Page<broker::SessionSnapshot> sessions(std::string_view client,
                                                                 bool connected_only,
                                                                 std::size_t offset,
                                                                 std::size_t limit) = 0;
    [[nodiscard]] virtual Page<broker::SubscriptionSnapshot> subscriptions(std::string_view client,
                                                                           std::size_t offset,
                                                                           std::size_t limit) = 0;
    /// `filter` empty: all, also topics that start with `$`.
    [[nodiscard]] virtual Page<RetainedMessage> retained(std::string_view filter,
                                                         std::size_t offset,
                                                         std::size_t limit) = 0;

    [[nodiscard]] virtual bool kick(std::string_view client) = 0;
    [[nodiscard]] virtual bool delete_retained(std::string_view topic) = 0;
    /// On behalf of a connected client.
    [[nodiscard]] virtual Done subscribe(std::string_view client,
                                         std::string_view filter,
                                         int qos) = 0;
    [[nodiscard]] virtual Done unsubscribe(std::string_view client, std::string_view filter) = 0;

    [[nodiscard]] virtual std::vector<PluginStatus> plugins() = 0;
    [[nodiscard]] virtual Done load_plugin(std::string_view name) = 0;
    [[nodiscard]] virtual Done unload_plugin(std::string_view name) = 0;
    [[nodiscard]] virtual Done reload_plugin(std::string_view name) = 0;

    [[nodiscard]] virtual std::vector<PoolStatus> pools() = 0;
    [[nodiscard]] virtual std::vector<RuleStatus> rules() = 0;
    [[nodiscard]] virtual std::vector<store::DeadLetter> dead_letters(std::size_t limit) = 0;
    [[nodiscard]] virtual std::optional<store::DeadLetter> dead_letter(std::int64_t id) = 0;
    [[nodiscard]] virtual std::uint64_t dead_letter_count() = 0;
    /// Runs the operation of a letter again; waits for the database, seconds when it is away.
    [[nodiscard]] virtual Done retry_dead_letter(const store::DeadLetter& letter) = 0;
    [[nodiscard]] virtual Done drop_dead_letter(std::int64_t id) = 0;
};

}  // namespace keepmq::admin
