#include "runtime/plugin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.hpp"

namespace keepmq::runtime {
namespace {

const Log log{"plugin"};

store::PoolConf pool_conf(const config::PoolSpec& spec,
                          const std::vector<std::string_view>& known,
                          std::string_view kind,
                          const config::Properties& settings,
                          const std::string& data_dir,
                          const std::string& conf_dir) {
    store::PoolConf conf;
    conf.kind = kind;
    conf.name = spec.name;
    conf.data_dir = data_dir;
    conf.conf_dir = conf_dir;
    for (const auto& [property, value] : spec.properties)
        conf.entries[property] = {value.value, value.origin};
    // Such as those of the topology: they stand in the file once, for all pools.
    for (const auto& [property, value] : settings)
        if (std::ranges::find(known, property) != known.end())
            conf.entries.try_emplace(
                property,
                store::PoolConf::Entry{
                    value.value, value.origin, "backend." + conf.kind + '.' + property});
    return conf;
}

/// Letters, digits and what else no file system minds; the rest as %xx, so that no two names meet.
std::string file_name_of(std::string_view name) {
    std::string safe;
    for (const char c : name) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '_' || c == '-';
        safe += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    return safe;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

PluginPtr Plugin::load(const store::BackendDescriptor& descriptor,
                       const std::string& conf_file,
                       const config::Settings& settings,
                       Diagnostics& diagnostics) {
    const std::string_view pool_kind =
        descriptor.pool_kind.empty() ? descriptor.kind : descriptor.pool_kind;
    const config::PluginConfOptions options{
        descriptor.kind, pool_kind, descriptor.statement_member, descriptor.pool_properties};
    Diagnostics found;
    const auto conf = config::read_plugin_conf(conf_file, options, found);
    auto plugin = std::make_shared<Plugin>();
    plugin->name_ = descriptor.plugin;
    plugin->descriptor_ = &descriptor;
    const auto conf_dir = std::filesystem::path{conf_file}.parent_path().string();
    for (const auto& spec : conf.pools) {
        auto backend = descriptor.configure(pool_conf(spec,
                                                      descriptor.pool_properties,
                                                      pool_kind,
                                                      conf.settings,
                                                      settings.node.data_dir,
                                                      conf_dir),
                                            found);
        plugin->pool_names_.push_back(spec.name);
        plugin->backends_.push_back(std::move(backend));
    }
    plugin->rules_ = hooks::RuleSet::compile(conf, descriptor, settings.node.name, found);
    const bool usable = !found.has_errors() && plugin->rules_;
    diagnostics.append(found);
    return usable ? plugin : nullptr;
}

bool Plugin::prepare_schema(Diagnostics& diagnostics) const {
    bool usable = true;
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        const auto& backend = *backends_[i];
        const Origin origin{name_ + ' ' + pool_names_[i], 0};
        auto report = backend.check_schema();
        const bool complete = report.missing.empty() && report.warnings.empty();
        if (!report.failure && !complete && backend.auto_create_schema()) {
            if (auto failure = backend.create_schema())
                report.failure = std::move(failure);
            else
                report = backend.check_schema();
        }
        for (const auto& warning : report.warnings) diagnostics.warning(origin, "", warning);
        if (report.failure) {
            // A database that is away does not keep the broker from starting: its pool retries.
            diagnostics.warning(origin, "", "tables could not be checked: " + report.failure->text);
        } else if (!report.missing.empty()) {
            diagnostics.error(origin,
                              "",
                              "missing in the database: " + joined(report.missing),
                              "run: keepmq schema create " + std::string{descriptor_->kind} + ' ' +
                                  pool_names_[i]);
            usable = false;
        }
    }
    return usable;
}

store::SpoolSettings Plugin::spool_settings(const store::PoolSettings& pool,
                                            const config::Settings& settings) const {
    store::SpoolSettings spool;
    spool.path = fmt::format(
        "{}/spool/{}-{}.db", settings.node.data_dir, pool.kind, file_name_of(pool.name));
    spool.after = settings.store.spool_after;
    spool.max_size = settings.store.spool_max_size;
    spool.max_age = settings.store.spool_max_age;
    spool.find_rule = [rules = rules_](std::string_view name) -> store::RuleContext* {
        const auto found = std::ranges::find_if(
            rules->rules(), [&](const hooks::Rule& rule) { return rule.context->name == name; });
        return found == rules->rules().end() ? nullptr : found->context.get();
    };
    return spool;
}

void Plugin::start(const config::Settings& settings,
                   store::DeadLetters& dead_letters,
                   store::ChannelSink& commands) {
    for (std::size_t i = 0; i < backends_.size(); ++i) {
        store::PoolSettings pool;
        pool.kind = descriptor_->kind;
        pool.name = pool_names_[i];
        pool.max_batch = settings.store.max_batch;
        pool.queue_limit = settings.store.queue_limit;
        pool.give_up_after = settings.store.give_up_after;
        pool.spool = spool_settings(pool, settings);
        pools_.push_back(
            std::make_unique<store::Pool>(std::move(pool), backends_[i], dead_letters));
        log.info("{} {}: {}", descriptor_->kind, pool_names_[i], backends_[i]->durability());
        if (auto channel = backends_[i]->listen(commands))
            channels_.push_back(std::move(channel));
    }
}

bool Plugin::drain(std::chrono::steady_clock::time_point deadline) {
    bool all = true;
    for (const auto& pool : pools_) all = pool->drain(deadline) && all;
    return all;
}

void Plugin::stop() {
    channels_.clear();
    for (const auto& pool : pools_) pool->stop();
}

std::uint64_t Plugin::spooled() const {
    std::uint64_t all = 0;
    for (const auto& pool : pools_) all += pool->stats().spooled;
    return all;
}

const store::BackendDescriptor* find_backend(const Registry& registry, std::string_view name) {
    const auto found = std::ranges::find_if(
        registry, [&](const auto* each) { return each->plugin == name || each->kind == name; });
    return found == registry.end() ? nullptr : *found;
}

}  // namespace keepmq::runtime
