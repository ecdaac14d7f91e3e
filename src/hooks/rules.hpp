#pragma once
// The rules of one plugin, compiled. An event goes in; writes and read plans come out, as data. No
// I/O: `runtime` submits them.
//
// A RuleSet is immutable after `compile` and shared by all shards; only its counters move.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "config/plugin_conf.hpp"
#include "hooks/template.hpp"
#include "model/event.hpp"
#include "store/backend.hpp"
#include "store/op.hpp"
#include "store/pool.hpp"

namespace keepmq::hooks {

/// Built-in functions. Aliases (`on_message_fetch_for_pubsub`, `on_subscription_lookup`, ...) are
/// resolved when a rule is compiled; names and aliases work on every backend.
enum class Function : std::uint8_t {
    on_client_connected,
    on_client_disconnected,
    on_subscribe_lookup,
    on_message_fetch,  ///< = _for_pubsub: one-to-many
    on_message_fetch_for_queue,
    on_message_fetch_for_keep_latest,
    on_retain_lookup,
    on_acked_delete,
    on_message_publish,            ///< QoS > 0
    on_message_store,              ///< any QoS
    on_message_store_keep_latest,  ///< QoS > 0, newest per topic
    on_message_retain,
    on_retain_delete,
    on_message_delivered,  ///< counts only
    on_message_acked,      ///< = _for_pubsub
    on_message_acked_for_queue,
    on_message_acked_for_keep_latest,
};
[[nodiscard]] std::string_view to_string(Function function);

enum class Durability : std::uint8_t {
    commit,   ///< PUBACK/PUBREC waits for the commit
    enqueue,  ///< waits only until the write is queued
    none,     ///< does not wait
};
enum class Deliver : std::uint8_t { immediate, after_commit };

struct Rule {
    Hook hook{};
    int ordinal = 0;
    std::optional<TopicFilter> filter;  ///< none: every topic
    std::size_t pool = 0;               ///< index into the plugin's pools
    std::optional<Function> function;   ///< else `statements`
    std::shared_ptr<const store::Statements> statements;
    std::vector<Parameter> parameters;  ///< of all statements, one after the other
    store::FetchFrom fetch_from = store::FetchFrom::earliest;
    std::optional<std::uint64_t> max_returned_count;
    std::optional<std::chrono::milliseconds> time_range;
    std::optional<std::chrono::seconds> expired_time;
    store::PayloadForm form = store::PayloadForm::bytes;
    Durability durability = Durability::commit;
    Deliver deliver = Deliver::immediate;
    Origin origin;
    std::string key;  ///< as in the file: `backend.sqlite.hook.message.publish.1`
    std::unique_ptr<store::RuleContext> context;
};

/// One write that an event caused.
struct Write {
    std::size_t pool = 0;
    store::Op op;
    store::Order order;
    store::RuleContext* rule = nullptr;
    /// PUBACK, PUBREC, SUBACK or (`deliver_after_commit`) the delivery waits for the outcome.
    bool awaited = false;
};

/// How a subscription gets what is stored.
struct FetchPlan {
    std::size_t pool = 0;
    store::FetchMode mode = store::FetchMode::after_cursor;
    std::optional<std::uint64_t> max_returned_count;
    std::optional<std::chrono::milliseconds> time_range;
    store::RuleContext* rule = nullptr;
};

struct RetainPlan {
    std::size_t pool = 0;
    store::RuleContext* rule = nullptr;
};

struct LookupPlan {
    std::size_t pool = 0;
    store::RuleContext* rule = nullptr;
};

/// A plan is filled by one rule set: `pool` in it counts that plugin's pools.
struct PublishPlan {
    std::vector<Write> writes;
    bool deliver_after_commit = false;
};

struct SubscribePlan {
    std::vector<Write> writes;  ///< the initial position (awaited) and the user's statements
    std::optional<FetchPlan> fetch;
    std::vector<RetainPlan> retained;
};

struct ConnectPlan {
    std::vector<Write> writes;
    std::vector<LookupPlan> lookups;  ///< on_subscribe_lookup
};

/// A client subscribed, or its session goes on: then only the replay does, and no statement runs.
enum class Subscribing : std::uint8_t { now, before };

/// When on_subscribe_lookup rules run: whatever hook they are bound to, on every connect, once per
/// pool (the default, see spec), or only on the hook that they are bound to.
enum class Lookups : std::uint8_t { every_connect, as_bound };

class RuleSet {
  public:
    /// Checks and compiles all rules: unknown function or one that does not belong to the hook,
    /// unknown pool, bad filter, bad template, fetch/publish/ack rules that overlap on a topic but
    /// name different pools. `pools` are the names that exist. Null after an error.
    /// `node` is the node's name, for `${node}` and presence.
    [[nodiscard]] static std::shared_ptr<const RuleSet> compile(
        const config::PluginConf& conf,
        const store::BackendDescriptor& descriptor,
        std::string node,
        Diagnostics& diagnostics);

    /// The client.connected rules, and with `every_connect` all on_subscribe_lookup rules.
    void on_connected(const ClientConnected& event,
                      ConnectPlan& plan,
                      Lookups lookups = Lookups::every_connect) const;
    /// The rules of session.created, session.resumed or session.terminated; for any other event
    /// none. Lookups only with `as_bound`.
    void on_session(const Event& created_resumed_or_terminated,
                    ConnectPlan& plan,
                    Lookups lookups = Lookups::every_connect) const;
    void on_disconnected(const ClientDisconnected& event, std::vector<Write>& writes) const;

    void on_subscribed(const SessionSubscribed& event,
                       SubscribePlan& plan,
                       Subscribing subscribing = Subscribing::now) const;
    void on_unsubscribed(const SessionUnsubscribed& event, std::vector<Write>& writes) const;

    /// Marks the message as stored when a built-in rule keeps it; call before it is routed.
    void on_publish(const std::shared_ptr<Message>& message, PublishPlan& plan) const;
    /// Whether a rule of message.publish matches the topic.
    [[nodiscard]] bool wants_publish(std::string_view topic) const;
    void on_delivered(const MessageDelivered& event, std::vector<Write>& writes) const;
    /// The user's statements and one-to-one removal. Read positions go by `on_position`.
    void on_acked(const MessageAcked& event, std::vector<Write>& writes) const;
    /// The read position of (client, topic) moved to `id`: everything before it is settled.
    void on_position(const ClientId& client,
                     const TopicName& topic,
                     MessageId id,
                     WallTime at,
                     std::vector<Write>& writes) const;

    /// Whether any rule is bound to the hook: lets the hot path skip building an event.
    [[nodiscard]] bool listens(Hook hook) const;

    [[nodiscard]] std::span<const Rule> rules() const;
    [[nodiscard]] std::span<const std::string> pool_names() const;

    ~RuleSet();
    RuleSet(const RuleSet&) = delete;
    RuleSet& operator=(const RuleSet&) = delete;

  private:
    struct Impl;
    explicit RuleSet(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Rules of different plugins that fetch, store or acknowledge the same topics in different
/// databases: an error for the plugin that is loaded second.
void check_overlap(const RuleSet& loaded,
                   const RuleSet& candidate,
                   std::string_view candidate_name,
                   Diagnostics& diagnostics);

/// `event -> filter -> statement with its parameters -> pool`, one line per rule, for `keepmq
/// check`.
[[nodiscard]] std::string explain(const RuleSet& rules,
                                  const Rule& rule,
                                  const store::Backend& backend);

}  // namespace keepmq::hooks
