// Both kinds of configuration file. A text is read as keepmq.conf and as the file of the plugin
// that it names first; what is read as rules is compiled too.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "config/plugin_conf.hpp"
#include "config/settings.hpp"
#include "hooks/rules.hpp"
#include "store/pool_conf.hpp"

namespace {

using namespace keepmq;

void require(bool holds) {
    if (!holds)
        std::abort();
}

/// A problem is one line, whatever the file contains.
void check(const Diagnostics& diagnostics) {
    for (const auto& one : diagnostics.all()) {
        const auto text = one.to_string();
        require(!one.message.empty());
        require(std::ranges::none_of(
            text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }));
    }
}

void check_servers(std::string_view text) {
    const auto servers = store::parse_servers(text, 1);
    if (!servers)
        return;
    require(!servers->empty());
    for (const auto& each : *servers) {
        const auto again = store::parse_servers(store::to_string(each), 2);
        require(again && again->size() == 1 && again->front() == each);
    }
}

void check_lines(std::string_view text) {
    Diagnostics diagnostics;
    const auto lines = config::parse_conf(text, "f", diagnostics);
    check(diagnostics);
    std::string again;
    for (const auto& line : lines) {
        require(!line.key.empty() && line.origin.line > 0 && line.column > 0);
        check_servers(line.value);
        again += line.key + " = " + line.value + '\n';
    }
    Diagnostics none;
    const auto same = config::parse_conf(again, "f", none);
    require(none.all().empty() && same.size() == lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i)
        require(same[i].key == lines[i].key && same[i].value == lines[i].value);
}

void check_settings(std::string_view text) {
    Diagnostics diagnostics;
    const auto settings = config::parse_settings(text, "/etc/keepmq/keepmq.conf", {}, diagnostics);
    check(diagnostics);
    if (diagnostics.has_errors())
        return;
    require(!settings.listeners.empty() && !settings.node.name.empty());
    require(settings.node.data_dir.starts_with('/') && settings.plugins.etc_dir.starts_with('/'));
    require(settings.mqtt.max_inflight > 0 && settings.store.max_batch > 0);
}

config::PluginConfOptions options_for(std::string_view text) {
    std::vector<config::PluginConfOptions> kinds{
        {"mysql", "mysql", "sql", {"server", "pool_size", "user", "password", "database"}},
        {"pgsql", "pgsql", "sql", {"server", "pool_size", "username", "ssl"}},
        {"redis", "redis", "commands", {"type", "server", "sentinel", "database", "channel"}},
        {"mongo", "mongo", "", {"type", "server", "c_pool_size", "login", "auth_source"}},
        {"cassa", "ecql", "cql", {"nodes", "size", "auto_reconnect", "keyspace", "logger"}},
        {"sqlite", "sqlite", "sql", {"file", "pool_size", "synchronous", "auto_create_schema"}}};
    const auto place = [text](const config::PluginConfOptions& one) {
        return text.find("backend." + std::string{one.kind} + '.');
    };
    return *std::ranges::min_element(kinds, {}, place);
}

/// Every kind of event once, about topics that rules tend to name.
void raise_events(const hooks::RuleSet& rules) {
    const ClientInfo who{ClientId{"c"}, "u", "10.0.0.1"};
    const WallTime at{};
    for (const auto* topic : {"queue/a", "pubsub/a", "a", "$SYS/a"}) {
        auto message = std::make_shared<Message>();
        message->topic = TopicName{topic};
        message->payload = R"({"a": [1, {"b": null}]})";
        message->qos = Qos::at_least_once;
        hooks::PublishPlan published;
        rules.on_publish(message, published);
        for (const auto& write : published.writes)
            require(write.pool < rules.pool_names().size() && write.rule != nullptr);
        hooks::SubscribePlan subscribed;
        rules.on_subscribed({who, at, TopicFilter{topic}, false, message->qos}, subscribed);
        std::vector<hooks::Write> writes;
        rules.on_delivered({who, at, message, message->qos}, writes);
        rules.on_acked({who, at, message, message->qos}, writes);
        rules.on_position(who.client, message->topic, message->id, at, writes);
        rules.on_unsubscribed({who, at, TopicFilter{topic}, false}, writes);
    }
    hooks::ConnectPlan connected;
    rules.on_connected({who, at}, connected);
    rules.on_session(SessionTerminated{who, at, "expired"}, connected);
    std::vector<hooks::Write> writes;
    rules.on_disconnected({who, at, at, "normal"}, writes);
}

void check_plugin(std::string_view text) {
    const auto options = options_for(text);
    Diagnostics diagnostics;
    const auto conf = config::parse_plugin_conf(text, "f", options, diagnostics);
    check(diagnostics);
    for (std::size_t i = 1; i < conf.rules.size(); ++i) {
        const auto& a = conf.rules[i - 1];
        const auto& b = conf.rules[i];
        require(a.hook < b.hook || (a.hook == b.hook && a.ordinal <= b.ordinal));
    }
    store::BackendDescriptor descriptor{};
    descriptor.kind = options.kind;
    descriptor.pool_kind = options.pool_kind;
    descriptor.statement_member = options.statement_member;
    Diagnostics found;
    const auto rules = hooks::RuleSet::compile(conf, descriptor, "n", found);
    check(found);
    require((rules == nullptr) == found.has_errors());
    if (rules)
        raise_events(*rules);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 16'384)
        return 0;
    std::string_view text;
    if (size > 0)
        text = {reinterpret_cast<const char*>(data), size};
    check_lines(text);
    check_settings(text);
    check_plugin(text);
    (void)config::parse_duration(text);
    (void)config::parse_bytes(text);
    (void)config::parse_count(text);
    return 0;
}
