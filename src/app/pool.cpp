#include "app/pool.hpp"

#include <iostream>

#include "app/backends.hpp"

namespace keepmq::app {

std::shared_ptr<const store::Backend> find_pool(const config::Settings& settings,
                                                std::string_view kind,
                                                std::string_view pool,
                                                std::string conf_file) {
    const auto* descriptor = runtime::find_backend(backends(), kind);
    if (descriptor == nullptr) {
        std::cerr << "keepmq: no backend " << kind << " in this program\n";
        return nullptr;
    }
    if (conf_file.empty())
        conf_file = settings.plugins.etc_dir + '/' + std::string{descriptor->plugin} + ".conf";
    Diagnostics diagnostics;
    const auto plugin = runtime::Plugin::load(*descriptor, conf_file, settings, diagnostics);
    for (const auto& each : diagnostics.all()) std::cerr << each.to_string() << '\n';
    if (!plugin)
        return nullptr;
    const auto names = plugin->rules().pool_names();
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == pool)
            return plugin->backends()[i];
    std::cerr << conf_file << ": there is no pool " << pool << '\n';
    return nullptr;
}

}  // namespace keepmq::app
