#include "app/options.hpp"

#include <unistd.h>

#include <iostream>

namespace keepmq::app {

Options parse_options(const std::vector<std::string_view>& arguments) {
    Options options;
    options.conf_file = "etc/keepmq.conf";
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto argument = arguments[i];
        if (argument != "-c" && argument != "--set") {
            options.rest.push_back(argument);
            continue;
        }
        if (i + 1 == arguments.size()) {
            options.error = std::string{argument} + " needs a value";
            return options;
        }
        const auto value = arguments[++i];
        if (argument == "-c") {
            options.conf_file = value;
            continue;
        }
        const auto equals = value.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            options.error = "--set wants KEY=VALUE, not " + std::string{value};
            return options;
        }
        options.overrides.push_back({std::string{value.substr(0, equals)},
                                     std::string{value.substr(equals + 1)},
                                     {"--set", 0}});
    }
    return options;
}

config::Settings read_settings(const Options& options, Diagnostics& diagnostics) {
    auto overrides = config::overrides_from_environment(environ);
    overrides.insert(overrides.end(), options.overrides.begin(), options.overrides.end());
    return config::load_settings(options.conf_file, overrides, diagnostics);
}

std::optional<config::Settings> load_settings(const Options& options) {
    Diagnostics diagnostics;
    auto settings = read_settings(options, diagnostics);
    for (const auto& each : diagnostics.all()) std::cerr << each.to_string() << '\n';
    if (diagnostics.has_errors())
        return std::nullopt;
    return settings;
}

}  // namespace keepmq::app
