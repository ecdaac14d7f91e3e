#include "runtime/node.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/log.hpp"
#include "runtime/sys_topics.hpp"

namespace keepmq::runtime {
namespace {

const Log log{"node"};

std::string first_error(const Diagnostics& diagnostics) {
    std::string text;
    for (const auto& each : diagnostics.all())
        if (each.severity == Severity::error)
            text += (text.empty() ? "" : "\n") + each.to_string();
    return text;
}

void log_all(const Diagnostics& diagnostics) {
    for (const auto& each : diagnostics.all()) {
        if (each.severity == Severity::error)
            log.error("{}", each.to_string());
        else
            log.warn("{}", each.to_string());
    }
}

}  // namespace

Node::Node(config::Settings settings, Registry registry)
    : settings_{std::move(settings)},
      registry_{std::move(registry)},
      started_{std::chrono::steady_clock::now()} {}

std::unique_ptr<Node> Node::start(const config::Settings& settings,
                                  const Registry& registry,
                                  Diagnostics& diagnostics) {
    std::unique_ptr<Node> node{new Node{settings, registry}};
    node->data_dir_ = DataDir::open(settings.node.data_dir, diagnostics);
    if (!node->data_dir_)
        return nullptr;
    auto letters = store::DeadLetters::open(node->data_dir_->file("dead_letters.db"));
    if (auto* failure = std::get_if<store::Failure>(&letters)) {
        diagnostics.error({node->data_dir_->file("dead_letters.db"), 0},
                          "",
                          "cannot be opened: " + failure->text,
                          "move the file away if it is damaged");
        return nullptr;
    }
    node->dead_letters_ = std::move(std::get<0>(letters));
    node->letter_desk_.emplace(*node->dead_letters_);
    if (!node->open_sessions(diagnostics))
        return nullptr;
    std::random_device device;
    auto floor = node->data_dir_->id_floor();
    if (node->sessions_)
        floor = std::max(floor, node->sessions_->newest_id());
    node->shards_ =
        std::make_unique<Shards>(settings,
                                 node->data_dir_->node_number(),
                                 floor,
                                 (static_cast<std::uint64_t>(device()) << 32U) | device());
    node->commands_.emplace(*node->shards_);
    if (!node->open_listeners(diagnostics))
        return nullptr;
    node->shards_->start();
    node->load_wanted(diagnostics);
    if (node->sessions_)
        node->shards_->keep_sessions(*node->sessions_);
    node->shards_->at_once([](Shard& shard) { shard.start_accepting(); });
    return node;
}

bool Node::open_sessions(Diagnostics& diagnostics) {
    const auto path = data_dir_->file("sessions.db");
    if (!settings_.node.persistence) {
        if (std::filesystem::exists(path))
            log.warn("{} is not read: node.persistence is off", path);
        return true;
    }
    auto opened = sessions::Store::open(path, settings_.store.queue_limit);
    if (const auto* failure = std::get_if<sessions::Failure>(&opened)) {
        diagnostics.error({path, 0},
                          "",
                          "cannot be used: " + failure->text,
                          "make it writable for this user, or set node.persistence = off");
        return false;
    }
    sessions_ = std::move(std::get<0>(opened));
    sessions_->start();
    return true;
}

void Node::load_wanted(Diagnostics& diagnostics) {
    const auto remembered = data_dir_->loaded_plugins();
    const Origin origin =
        remembered ? Origin{data_dir_->file("loaded_plugins"), 0} : settings_.plugins.loaded_origin;
    std::vector<const store::BackendDescriptor*> known;
    for (const auto& name : remembered.value_or(settings_.plugins.loaded)) {
        const auto* descriptor = find_backend(registry_, name);
        wanted_.push_back(descriptor ? std::string{descriptor->plugin} : name);
        if (descriptor)
            known.push_back(descriptor);
        else
            diagnostics.warning(
                origin,
                "plugins.loaded",
                "plugin " + name + " is not part of this program",
                remembered ? "remove the line, or see keepmq --version" : "see keepmq --version");
    }
    for (const auto* descriptor : known)
        if (const auto done = load(*descriptor); !done.ok)
            log.error("plugin {} stays out: nothing is stored by its rules", descriptor->plugin);
}

bool Node::open_listeners(Diagnostics& diagnostics) {
    for (const auto& listener : settings_.listeners) {
        const auto& endpoint = listener.endpoint;
        std::vector<std::string> hosts{endpoint.host};
        if (endpoint.host == "localhost")
            hosts = {"127.0.0.1", "::1"};
        std::uint16_t port = endpoint.port;
        bool any = false;
        ErrorCode error;
        for (const auto& host : hosts) {
            error = shards_->first().add_listener(
                "tcp:" + listener.name, host, port, listener.max_connections);
            if (error && host == "::1" && any)
                continue;  // a machine without IPv6
            if (error)
                break;
            any = true;
            const auto& opened = *shards_->first().listeners().back().listener;
            port = opened.port();
            log.info(
                "listening on mqtt:tcp:{} {}{}",
                listener.name,
                opened.address(),
                opened.is_loopback() ? "" : " (reachable from other machines; no authentication)");
        }
        if (!any) {
            diagnostics.error(endpoint.origin,
                              "listener.tcp." + listener.name,
                              "cannot listen: " + error.message(),
                              "is another broker running there?");
            return false;
        }
    }
    return true;
}

std::string Node::conf_file_of(const store::BackendDescriptor& descriptor) const {
    return settings_.plugins.etc_dir + '/' + std::string{descriptor.plugin} + ".conf";
}

PluginPtr Node::prepare(const store::BackendDescriptor& descriptor,
                        Diagnostics& diagnostics) const {
    auto plugin = Plugin::load(descriptor, conf_file_of(descriptor), settings_, diagnostics);
    if (!plugin || !plugin->prepare_schema(diagnostics))
        return nullptr;
    for (const auto& other : plugins_)
        if (other->name() != plugin->name())
            hooks::check_overlap(other->rules(), plugin->rules(), plugin->name(), diagnostics);
    return diagnostics.has_errors() ? nullptr : plugin;
}

void Node::install(PluginList list) {
    plugins_ = std::move(list);
    data_dir_->save_loaded_plugins(wanted_);
    shards_->set_plugins(plugins_);
}

PluginPtr Node::loaded(std::string_view name) const {
    const auto found = std::ranges::find_if(plugins_, [&](const auto& each) {
        return each->name() == name || each->descriptor().kind == name;
    });
    return found == plugins_.end() ? nullptr : *found;
}

admin::Done Node::load(const store::BackendDescriptor& descriptor) {
    Diagnostics diagnostics;
    const auto plugin = prepare(descriptor, diagnostics);
    log_all(diagnostics);
    if (!plugin) {
        plugin_errors_[std::string{descriptor.plugin}] = first_error(diagnostics);
        return {false, first_error(diagnostics)};
    }
    plugin_errors_.erase(std::string{descriptor.plugin});
    if (std::ranges::find(wanted_, descriptor.plugin) == wanted_.end())
        wanted_.emplace_back(descriptor.plugin);
    plugin->start(settings_, *dead_letters_, *commands_);
    auto list = plugins_;
    list.push_back(plugin);
    install(std::move(list));
    return {true, "Plugin " + plugin->name() + " loaded successfully."};
}

admin::Done Node::load_plugin(std::string_view name) {
    const std::lock_guard lock{plugins_mutex_};
    if (stopped_)
        return {false, "The broker is shutting down."};
    const auto* descriptor = find_backend(registry_, name);
    if (descriptor == nullptr)
        return {false, "Plugin " + std::string{name} + " not found."};
    if (loaded(name))
        return {false, "Plugin " + std::string{descriptor->plugin} + " is already loaded."};
    return load(*descriptor);
}

void Node::retire(const PluginPtr& plugin) const {
    const auto deadline = std::chrono::steady_clock::now() + settings_.store.shutdown_deadline;
    const bool all_there = shards_->await_gates(deadline);
    if (!plugin->drain(deadline) || !all_there)
        log.error("plugin {}: not all writes could be kept in time; their clients are refused",
                  plugin->name());
    plugin->stop();
}

admin::Done Node::unload_plugin(std::string_view name) {
    const std::lock_guard lock{plugins_mutex_};
    if (stopped_)
        return {false, "The broker is shutting down."};
    const auto* descriptor = find_backend(registry_, name);
    const std::string full{descriptor ? descriptor->plugin : name};
    if (std::erase(wanted_, full) == 0)
        return {false, "Plugin " + std::string{name} + " is not loaded."};
    plugin_errors_.erase(full);
    const auto plugin = loaded(full);
    auto list = plugins_;
    std::erase(list, plugin);
    install(std::move(list));
    std::string message = "Plugin " + full + " unloaded successfully.";
    if (plugin) {
        retire(plugin);
        if (const auto left = plugin->spooled(); left > 0) {
            log.warn("plugin {}: {} writes stay in the spool until it is loaded again", full, left);
            message +=
                " " + std::to_string(left) + " writes stay in the spool until it is loaded again.";
        }
    }
    return {true, std::move(message)};
}

admin::Done Node::reload_plugin(std::string_view name) {
    const std::lock_guard lock{plugins_mutex_};
    if (stopped_)
        return {false, "The broker is shutting down."};
    const auto* descriptor = find_backend(registry_, name);
    if (descriptor == nullptr)
        return {false, "Plugin " + std::string{name} + " not found."};
    const auto old = loaded(name);
    if (!old) {
        auto done = load(*descriptor);
        if (done.ok)
            done.message = "Plugin " + std::string{descriptor->plugin} + " reloaded successfully.";
        return done;
    }
    Diagnostics diagnostics;
    const auto fresh = prepare(*descriptor, diagnostics);
    log_all(diagnostics);
    if (!fresh)
        return {false,
                first_error(diagnostics) + "\nthe plugin goes on with its old configuration"};
    auto list = plugins_;
    std::ranges::replace(list, old, fresh);
    // What the new rules ask for waits until the old pools are empty, so nothing overtakes.
    const auto held = std::make_shared<HeldWork>();
    shards_->at_once([&](Shard& shard) {
        shard.hold(fresh, held);
        shard.set_plugins(list);
    });
    plugins_ = std::move(list);
    retire(old);
    fresh->start(settings_, *dead_letters_, *commands_);
    held->release();
    shards_->each([&](Shard& shard) { shard.release(fresh.get()); });
    return {true, "Plugin " + fresh->name() + " reloaded successfully."};
}

void Node::reload(const config::Settings& settings) {
    std::vector<std::string> names;
    {
        const std::lock_guard lock{plugins_mutex_};
        for (const auto& key : config::keys_for_next_start(settings_, settings))
            log.warn("{} has changed: it is read at the start only", key);
        settings_.mqtt = settings.mqtt;
        settings_.replay = settings.replay;
        settings_.store = settings.store;
        for (const auto& name : wanted_)
            if (find_backend(registry_, name) != nullptr)
                names.push_back(name);
    }
    set_log_level(settings.log_level);
    shards_->each([&](Shard& shard) { shard.set_settings(settings_); });
    for (const auto& name : names) {
        const auto done = reload_plugin(name);
        log.info("{}", done.message);
    }
}

bool Node::shut_down() {
    const std::lock_guard lock{plugins_mutex_};
    if (stopped_)
        return true;
    stopped_ = true;
    if (!shards_ || !shards_->started())  // a listener could not be opened
        return true;
    const auto deadline = std::chrono::steady_clock::now() + settings_.store.shutdown_deadline;
    shards_->each([](Shard& shard) { shard.stop_accepting(); });
    shards_->each([](Shard& shard) {
        shard.shut_down_clients();
        shard.carry_out();
    });
    // Before the pools are drained: the clients' last writes go there.
    bool all = shards_->settle(deadline);
    for (const auto& plugin : plugins_) {
        all = plugin->drain(deadline) && all;
        plugin->stop();
    }
    data_dir_->save_id_floor(shards_->newest_id_time());
    if (sessions_) {
        if (!sessions_->drain(deadline))
            all = false;
        sessions_->stop();
    }
    shards_->stop();
    if (!all)
        log.error("stopped before all writes were kept; their publishers got no acknowledgement");
    return all;
}

Node::~Node() {
    if (shards_ && data_dir_)
        shut_down();
    shards_.reset();
    plugins_.clear();
}

void Node::housekeeping() {
    const auto now = read_clocks();
    const auto newest = shards_->newest_id_time();
    if (newest > last_floor_) {
        last_floor_ = newest;
        data_dir_->save_id_floor(newest);
    }
    const auto interval = settings_.mqtt.sys_interval;
    if (interval.count() > 0 && (last_sys_ == SteadyTime{} || now.steady - last_sys_ >= interval)) {
        last_sys_ = now.steady;
        publish_sys();
    }
}

void Node::publish_sys() {
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - started_);
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    shards_->each([&](Shard& shard) {
        received += shard.bytes_received();
        sent += shard.bytes_sent();
    });
    for (auto& [topic, payload] :
         sys_topics(settings_.node.name, uptime, shards_->stats(), received, sent))
        shards_->owner_of(topic).post([topic = topic, payload = payload](Shard& shard) {
            shard.publish_internal(TopicName{topic}, payload);
        });
}

}  // namespace keepmq::runtime
