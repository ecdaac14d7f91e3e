// The node seen through the admin interface.

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "runtime/node.hpp"

namespace keepmq::runtime {
namespace {

std::uint64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

template <class T>
void cut(admin::Source::Page<T>& page, std::size_t offset, std::size_t limit) {
    page.total = page.items.size();
    const auto first = std::min(offset, page.items.size());
    const auto last = limit == 0 ? page.items.size() : std::min(page.items.size(), first + limit);
    page.items.erase(page.items.begin() + static_cast<std::ptrdiff_t>(last), page.items.end());
    page.items.erase(page.items.begin(), page.items.begin() + static_cast<std::ptrdiff_t>(first));
}

// The admin interface answers nobody else meanwhile.
constexpr std::chrono::milliseconds retry_patience{3000};

std::string action_of(const hooks::Rule& rule) {
    if (rule.function)
        return std::string{hooks::to_string(*rule.function)};
    std::string text;
    for (const auto& statement : rule.statements->list)
        text += (text.empty() ? "" : "; ") + statement.source;
    return text;
}

void show_spool(const std::optional<store::SpoolStatus>& spool, admin::PoolStatus& to) {
    to.spool = !spool ? "none" : spool->spooling ? "spooling" : "direct";
    if (!spool)
        return;
    to.spool_error = spool->last_error;
    to.spooling = spool->spooling ? 1 : 0;
    to.spool_bytes = spool->bytes;
    to.spool_oldest_seconds = static_cast<std::uint64_t>(spool->oldest.count());
    to.spool_written = spool->written;
    to.spool_drained = spool->drained;
    to.spool_written_each_second = spool->written_each_second;
    to.spool_drained_each_second = spool->drained_each_second;
    to.spool_failures = spool->failures;
    to.spool_set_aside = spool->set_aside;
}

}  // namespace

std::string Node::listeners_json() const {
    std::string text = "{";
    for (const auto& port : shards_->first().listeners())
        text += (text.size() > 1 ? "," : "") +
                ('"' + port.name + '@' + port.listener->address() + "\":") +
                std::to_string(port.listener->port());
    return text + '}';
}

admin::Status Node::status() {
    admin::Status status;
    status.version = KEEPMQ_VERSION;
    status.node = settings_.node.name;
    status.uptime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - started_);
    status.rss_bytes = resident_bytes();
    status.shards = shards_->size();
    shards_->each([&](Shard& shard) {
        for (const auto& port : shard.listeners())
            status.listeners.push_back({port.name,
                                        port.listener->address(),
                                        port.count->connections,
                                        port.count->accepted,
                                        port.max_connections});
        status.bytes_received += shard.bytes_received();
        status.bytes_sent += shard.bytes_sent();
        status.paused_connections += shard.paused_connections();
        if (shards_->size() > 1)
            status.shard_letters.push_back(shard.letters());
    });
    if (sessions_) {
        const auto& stats = sessions_->stats();
        auto& kept = status.persistence;
        kept.on = true;
        kept.last_error = sessions_->last_error();
        kept.changes = stats.changes;
        kept.rows = stats.rows;
        kept.batches = stats.batches;
        kept.failures = stats.failures;
        kept.backlog = stats.backlog;
        kept.set_aside = stats.set_aside;
        kept.commit_micros_p50 = stats.commit_micros.quantile(0.5);
        kept.commit_micros_p99 = stats.commit_micros.quantile(0.99);
    }
    return status;
}

broker::Stats Node::stats() {
    return shards_->stats();
}

admin::Source::Page<broker::SessionSnapshot> Node::sessions(std::string_view client,
                                                            bool connected_only,
                                                            std::size_t offset,
                                                            std::size_t limit) {
    Page<broker::SessionSnapshot> page;
    shards_->each([&](Shard& shard) {
        shard.broker().each_session([&](const broker::SessionSnapshot& session) {
            if ((client.empty() || session.client.view() == client) &&
                (!connected_only || session.connected))
                page.items.push_back(session);
            return true;
        });
    });
    std::ranges::sort(page.items, {}, [](const auto& each) { return each.client; });
    cut(page, offset, limit);
    return page;
}

admin::Source::Page<broker::SubscriptionSnapshot> Node::subscriptions(std::string_view client,
                                                                      std::size_t offset,
                                                                      std::size_t limit) {
    Page<broker::SubscriptionSnapshot> page;
    const ClientId only{client};
    shards_->each([&](Shard& shard) {
        shard.broker().each_subscription(client.empty() ? nullptr : &only,
                                         [&](const broker::SubscriptionSnapshot& subscription) {
                                             page.items.push_back(subscription);
                                             return true;
                                         });
    });
    std::ranges::sort(page.items, [](const auto& a, const auto& b) {
        return std::tie(a.client, a.filter) < std::tie(b.client, b.filter);
    });
    cut(page, offset, limit);
    return page;
}

admin::Source::Page<admin::RetainedMessage> Node::retained(std::string_view filter,
                                                           std::size_t offset,
                                                           std::size_t limit) {
    Page<admin::RetainedMessage> page;
    std::size_t total = 0;
    // Each shard has its own topics, sorted: the page is among the first ones of all.
    const auto skipped = shards_->size() == 1 ? offset : 0;
    shards_->each([&](Shard& shard) {
        std::size_t seen = 0;
        const auto visit = [&](const Message& message) {
            const auto index = seen++;
            if (index >= skipped && (limit == 0 || index < offset + limit))
                page.items.push_back({message.topic.str(),
                                      message.payload,
                                      static_cast<int>(message.qos),
                                      message.sender.str(),
                                      message.id.to_string(),
                                      message.at});
            return true;
        };
        shard.broker().each_retained(filter.empty() ? "#" : filter, visit);
        total += seen;
    });
    if (shards_->size() > 1) {
        std::ranges::sort(page.items, {}, &admin::RetainedMessage::topic);
        cut(page, offset, limit);
    }
    page.total = total;
    return page;
}

bool Node::kick(std::string_view client) {
    return shards_->home_of(client).ask([&](Shard& shard) {
        return shard.broker().kick(
            ClientId{client}, mqtt::ReasonCode::administrative_action, shard.now());
    });
}

bool Node::delete_retained(std::string_view topic) {
    return shards_->owner_of(topic).ask(
        [&](Shard& shard) { return shard.broker().delete_retained(TopicName{topic}); });
}

admin::Done Node::subscribe(std::string_view client, std::string_view filter, int qos) {
    const std::vector<broker::Provisioned> wanted{{TopicFilter{filter}, static_cast<Qos>(qos)}};
    const bool known = shards_->home_of(client).ask([&](Shard& shard) {
        const ClientId id{client};
        if (!shard.broker().is_connected(id))
            return false;
        shard.broker().subscribe_on_behalf(id, wanted, shard.now());
        return true;
    });
    return known ? admin::Done{}
                 : admin::Done{false, "client " + std::string{client} + " is not connected"};
}

admin::Done Node::unsubscribe(std::string_view client, std::string_view filter) {
    const std::vector<TopicFilter> gone{TopicFilter{filter}};
    const bool known = shards_->home_of(client).ask([&](Shard& shard) {
        const ClientId id{client};
        if (!shard.broker().is_connected(id))
            return false;
        shard.broker().unsubscribe_on_behalf(id, gone, shard.now());
        return true;
    });
    return known ? admin::Done{}
                 : admin::Done{false, "client " + std::string{client} + " is not connected"};
}

std::vector<admin::PluginStatus> Node::plugins() {
    const std::lock_guard lock{plugins_mutex_};
    std::vector<admin::PluginStatus> list;
    for (const auto* descriptor : registry_) {
        admin::PluginStatus status;
        status.name = descriptor->plugin;
        status.description = descriptor->description;
        status.active = loaded(descriptor->plugin) != nullptr;
        status.conf_file = conf_file_of(*descriptor);
        if (const auto error = plugin_errors_.find(status.name); error != plugin_errors_.end())
            status.error = error->second;
        list.push_back(std::move(status));
    }
    return list;
}

std::vector<admin::PoolStatus> Node::pools() {
    const std::lock_guard lock{plugins_mutex_};
    std::vector<admin::PoolStatus> list;
    for (const auto& plugin : plugins_) {
        for (std::size_t i = 0; i < plugin->pool_count(); ++i) {
            const auto& pool = plugin->pool(i);
            const auto& stats = pool.stats();
            admin::PoolStatus status;
            status.plugin = plugin->name();
            status.kind = pool.settings().kind;
            status.name = pool.settings().name;
            status.state = to_string(pool.state());
            status.durability = pool.backend().durability();
            status.last_error = pool.last_error();
            status.lane_depths = pool.lane_depths();
            status.accepted = stats.accepted;
            status.committed = stats.committed;
            status.dead_lettered = stats.dead_lettered;
            status.refused = stats.refused;
            status.retries = stats.retries;
            status.queued = stats.queued;
            status.spooled = stats.spooled;
            show_spool(pool.spool(), status);
            status.batches = stats.batches;
            status.queries = stats.queries;
            status.query_errors = stats.query_errors;
            status.batch_size_p50 = stats.batch_size.quantile(0.5);
            status.batch_size_p99 = stats.batch_size.quantile(0.99);
            status.commit_micros_p50 = stats.commit_micros.quantile(0.5);
            status.commit_micros_p99 = stats.commit_micros.quantile(0.99);
            status.wait_micros_p50 = stats.wait_micros.quantile(0.5);
            status.wait_micros_p99 = stats.wait_micros.quantile(0.99);
            list.push_back(std::move(status));
        }
    }
    return list;
}

std::vector<admin::RuleStatus> Node::rules() {
    const std::lock_guard lock{plugins_mutex_};
    std::vector<admin::RuleStatus> list;
    for (const auto& plugin : plugins_) {
        for (const auto& rule : plugin->rules().rules()) {
            const auto& stats = rule.context->stats;
            list.push_back({plugin->name(),
                            rule.context->name,
                            rule.filter ? rule.filter->str() : "",
                            action_of(rule),
                            plugin->rules().pool_names()[rule.pool],
                            stats.hits,
                            stats.not_applicable,
                            stats.accepted,
                            stats.committed,
                            stats.dead_lettered,
                            stats.refused,
                            stats.spooled,
                            stats.errors});
        }
    }
    return list;
}

std::vector<store::DeadLetter> Node::dead_letters(std::size_t limit) {
    return dead_letters_->list(limit);
}

std::optional<store::DeadLetter> Node::dead_letter(std::int64_t id) {
    return dead_letters_->find(id);
}

std::uint64_t Node::dead_letter_count() {
    return dead_letters_->count();
}

admin::Done Node::retry_dead_letter(const store::DeadLetter& letter) {
    PluginPtr plugin;
    std::size_t index = 0;
    {
        const std::lock_guard lock{plugins_mutex_};
        for (const auto& each : plugins_)
            for (std::size_t i = 0; i < each->pool_count(); ++i)
                if (letter.pool ==
                    std::string{each->descriptor().kind} + ' ' + each->rules().pool_names()[i]) {
                    plugin = each;
                    index = i;
                }
    }
    if (!plugin || !plugin->started())
        return {false, "Its pool, " + letter.pool + ", is not loaded."};
    return letter_desk_->retry(letter, plugin->pool(index), retry_patience);
}

admin::Done Node::drop_dead_letter(std::int64_t id) {
    if (const auto failure = dead_letters_->remove(id))
        return {false, failure->text};
    return {};
}

}  // namespace keepmq::runtime
