#pragma once
// A broker that says what the test put in, and remembers what it was asked to do.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "admin/source.hpp"
#include "model/topic.hpp"

namespace keepmq::admin {

class FakeSource : public Source {
  public:
    Status the_status;
    broker::Stats the_stats;
    std::vector<broker::SessionSnapshot> all_sessions;
    std::vector<broker::SubscriptionSnapshot> all_subscriptions;
    std::vector<RetainedMessage> all_retained;
    std::vector<PluginStatus> all_plugins;
    std::vector<PoolStatus> all_pools;
    std::vector<RuleStatus> all_rules;
    std::vector<store::DeadLetter> all_letters;
    Done outcome;  ///< of subscribe, unsubscribe and the plugin calls

    /// `kick c1`, `subscribe c1 a/# 1`, ...
    [[nodiscard]] std::vector<std::string> calls() const {
        const std::lock_guard lock{mutex_};
        return calls_;
    }

    Status status() override { return the_status; }
    broker::Stats stats() override { return the_stats; }

    Page<broker::SessionSnapshot> sessions(std::string_view client,
                                           bool connected_only,
                                           std::size_t offset,
                                           std::size_t limit) override {
        return page(all_sessions, offset, limit, [&](const broker::SessionSnapshot& session) {
            return (client.empty() || session.client.view() == client) &&
                   (!connected_only || session.connected);
        });
    }
    Page<broker::SubscriptionSnapshot> subscriptions(std::string_view client,
                                                     std::size_t offset,
                                                     std::size_t limit) override {
        return page(all_subscriptions, offset, limit, [&](const broker::SubscriptionSnapshot& one) {
            return client.empty() || one.client.view() == client;
        });
    }
    Page<RetainedMessage> retained(std::string_view filter,
                                   std::size_t offset,
                                   std::size_t limit) override {
        return page(all_retained, offset, limit, [&](const RetainedMessage& message) {
            return filter.empty() || filter_matches(filter, message.topic);
        });
    }

    bool kick(std::string_view client) override {
        note("kick", client);
        return !sessions(client, true, 0, 1).items.empty();
    }
    bool delete_retained(std::string_view topic) override {
        note("delete_retained", topic);
        return std::erase_if(all_retained, [&](const auto& m) { return m.topic == topic; }) > 0;
    }
    Done subscribe(std::string_view client, std::string_view filter, int qos) override {
        note("subscribe",
             std::string{client} + ' ' + std::string{filter} + ' ' + std::to_string(qos));
        return outcome;
    }
    Done unsubscribe(std::string_view client, std::string_view filter) override {
        note("unsubscribe", std::string{client} + ' ' + std::string{filter});
        return outcome;
    }

    std::vector<PluginStatus> plugins() override { return all_plugins; }
    Done load_plugin(std::string_view name) override { return note("load", name); }
    Done unload_plugin(std::string_view name) override { return note("unload", name); }
    Done reload_plugin(std::string_view name) override { return note("reload", name); }

    std::vector<PoolStatus> pools() override { return all_pools; }
    std::vector<RuleStatus> rules() override { return all_rules; }
    std::vector<store::DeadLetter> dead_letters(std::size_t limit) override {
        return page(all_letters, 0, limit, [](const auto&) { return true; }).items;
    }
    std::optional<store::DeadLetter> dead_letter(std::int64_t id) override {
        for (const auto& letter : all_letters)
            if (letter.id == id)
                return letter;
        return std::nullopt;
    }
    std::uint64_t dead_letter_count() override { return all_letters.size(); }
    Done retry_dead_letter(const store::DeadLetter& letter) override {
        return note("retry", std::to_string(letter.id));
    }
    Done drop_dead_letter(std::int64_t id) override { return note("drop", std::to_string(id)); }

  private:
    template <class T, class Keep>
    static Page<T> page(const std::vector<T>& all,
                        std::size_t offset,
                        std::size_t limit,
                        Keep keep) {
        Page<T> out;
        for (const auto& item : all) {
            if (!keep(item))
                continue;
            if (out.total >= offset && out.items.size() < limit)
                out.items.push_back(item);
            ++out.total;
        }
        return out;
    }
    Done note(std::string_view verb, std::string_view rest) {
        const std::lock_guard lock{mutex_};
        calls_.push_back(std::string{verb} + ' ' + std::string{rest});
        return outcome;
    }

    mutable std::mutex mutex_;
    std::vector<std::string> calls_;
};

/// A small broker with one of everything.
inline void fill(FakeSource& source) {
    const WallTime at{std::chrono::seconds{1'714'564'800}};  // 2024-05-01T12:00:00Z
    source.the_status = {.version = "0.1.0",
                         .node = "keepmq@127.0.0.1",
                         .uptime = std::chrono::seconds{93'784},
                         .rss_bytes = 20'000'000,
                         .shards = 2,
                         .listeners = {{.name = "tcp:external",
                                        .address = "0.0.0.0:1883",
                                        .connections = 2,
                                        .accepted = 7,
                                        .max_connections = 1000}},
                         .bytes_received = 1234,
                         .bytes_sent = 5678,
                         .paused_connections = 1};
    source.the_stats.connections = 2;
    source.the_stats.messages_received = 42;
    source.the_stats.dropped_queue_full = 3;

    broker::SessionSnapshot here;
    here.client = ClientId{"c1"};
    here.username = "alice";
    here.peerhost = "10.0.0.7";
    here.port = 50'000;
    here.connected = true;
    here.protocol_level = 5;
    here.keep_alive = 60;
    here.connected_at = at;
    here.created_at = at;
    here.subscriptions = 2;
    auto away = here;
    away.client = ClientId{"away/2"};
    away.username.clear();
    away.connected = false;
    away.queued = 9;
    away.disconnected_at = at + std::chrono::milliseconds{1500};
    source.all_sessions = {away, here};

    source.all_subscriptions = {
        {.client = ClientId{"away/2"}, .filter = "a/#", .qos = Qos::at_least_once},
        {.client = ClientId{"c1"},
         .filter = "$share/g/b/+",
         .qos = Qos::exactly_once,
         .no_local = true},
        {.client = ClientId{"c1"}, .filter = "a/#", .qos = Qos::at_most_once},
    };
    source.all_retained = {
        {.topic = "a/b",
         .payload = "21.5",
         .qos = 1,
         .from = "c1",
         .id = "0000000000000000000A",
         .at = at},
        {.topic = "bin",
         .payload = std::string{"\xff\x00\x01", 3},
         .qos = 0,
         .from = "c1",
         .id = "0000000000000000000B",
         .at = at},
    };
    source.all_plugins = {
        {.name = "emqx_backend_mysql",
         .description = "KeepMQ MySQL backend",
         .active = false,
         .conf_file = "m.conf",
         .error = "no file"},
        {.name = "emqx_backend_sqlite",
         .description = "KeepMQ SQLite backend",
         .active = true,
         .conf_file = "s.conf",
         .error = ""},
    };
    PoolStatus pool;
    pool.plugin = "emqx_backend_sqlite";
    pool.kind = "sqlite";
    pool.name = "pool1";
    pool.state = "running";
    pool.durability = "WAL";
    pool.last_error = "database is locked";
    pool.spool = "spooling";
    pool.spool_error = "disk full";
    pool.spooled = 1;
    pool.spool_bytes = 300;
    pool.spool_oldest_seconds = 61;
    pool.spool_written_each_second = 5;
    pool.lane_depths = {0, 4};
    pool.accepted = 10;
    pool.committed = 9;
    pool.commit_micros_p99 = 2048;
    source.all_pools = {pool};
    RuleStatus rule;
    rule.plugin = "emqx_backend_sqlite";
    rule.name = "sqlite message.publish.1";
    rule.filter = "#";
    rule.action = "on_message_publish";
    rule.pool = "pool1";
    rule.hits = 11;
    source.all_rules = {rule};
    store::DeadLetter letter;
    letter.id = 5;
    letter.at = at;
    letter.pool = "sqlite pool1";
    letter.rule = rule.name;
    letter.op = "store_message";
    letter.topic = "a/b";
    letter.client = "c1";
    letter.payload = "x";
    letter.detail = R"({"op":"store_message"})";
    letter.error = "too long";
    source.all_letters = {letter};
}

}  // namespace keepmq::admin
