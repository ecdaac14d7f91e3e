#include <algorithm>
#include <filesystem>
#include <iostream>

#include "app/backends.hpp"
#include "app/commands.hpp"
#include "runtime/data_dir.hpp"

namespace keepmq::app {
namespace {

/// Reads one plugin's conf file, prints its rules; problems go to `diagnostics`. Only plugins that
/// are loaded together can be in each other's way: those are collected in `loaded`.
void check_plugin(const store::BackendDescriptor& descriptor,
                  const config::Settings& settings,
                  bool is_loaded,
                  Diagnostics& diagnostics,
                  runtime::PluginList& loaded) {
    const std::string file =
        settings.plugins.etc_dir + '/' + std::string{descriptor.plugin} + ".conf";
    const auto plugin = runtime::Plugin::load(descriptor, file, settings, diagnostics);
    if (!plugin)
        return;
    for (const auto& other : loaded)
        if (is_loaded)
            hooks::check_overlap(other->rules(), plugin->rules(), plugin->name(), diagnostics);
    std::cout << descriptor.plugin << "  (" << file << (is_loaded ? "" : ", not loaded") << ")\n";
    for (const auto& rule : plugin->rules().rules()) {
        const auto& backend = *plugin->backends()[rule.pool];
        std::cout << "  " << hooks::explain(plugin->rules(), rule, backend) << '\n';
        if (!rule.statements)
            continue;
        for (const auto& statement : rule.statements->list)
            if (const auto failure = backend.try_statement(statement))
                diagnostics.error(statement.origin,
                                  rule.context->name,
                                  "the database refuses it: " + failure->text,
                                  "statement: " + statement.source);
    }
    if (is_loaded)
        loaded.push_back(plugin);
}

/// Names that nothing in this program answers to.
void check_names(const std::vector<std::string>& names,
                 const Origin& origin,
                 Diagnostics& diagnostics) {
    for (const auto& name : names)
        if (runtime::find_backend(backends(), name) == nullptr)
            diagnostics.error(origin,
                              "plugins.loaded",
                              "plugin " + name + " is not part of this program",
                              "see keepmq --version");
}

void check_plugins(const config::Settings& settings, Diagnostics& diagnostics) {
    const auto remembered = runtime::DataDir::loaded_plugins_of(settings.node.data_dir);
    const auto names = remembered.value_or(settings.plugins.loaded);
    check_names(settings.plugins.loaded, settings.plugins.loaded_origin, diagnostics);
    if (remembered)
        check_names(names, {settings.node.data_dir + "/loaded_plugins", 0}, diagnostics);
    runtime::PluginList loaded;
    for (const auto* descriptor : backends()) {
        const bool is_loaded = std::ranges::any_of(names, [&](const auto& name) {
            return runtime::find_backend(backends(), name) == descriptor;
        });
        const std::string file =
            settings.plugins.etc_dir + '/' + std::string{descriptor->plugin} + ".conf";
        if (is_loaded || std::filesystem::exists(file))
            check_plugin(*descriptor, settings, is_loaded, diagnostics, loaded);
    }
}

}  // namespace

int run_check(const Options& options) {
    if (!options.rest.empty()) {
        std::cerr << "keepmq check: unknown argument " << options.rest.front() << '\n';
        return 2;
    }
    Diagnostics diagnostics;
    const auto settings = read_settings(options, diagnostics);
    // Without the file it is not known where those of the plugins are.
    if (std::filesystem::is_regular_file(options.conf_file))
        check_plugins(settings, diagnostics);
    for (const auto& each : diagnostics.all()) std::cerr << each.to_string() << '\n';
    const bool good = !diagnostics.has_errors();
    std::cout << (good ? "configuration is good\n" : "configuration has errors\n");
    return good ? 0 : 1;
}

}  // namespace keepmq::app
