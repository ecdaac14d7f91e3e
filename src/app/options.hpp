#pragma once
// The command line, read once.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace keepmq::app {

/// What all commands share: `-c FILE`, `--set KEY=VALUE`; the rest stays in order.
struct Options {
    std::string conf_file;  ///< default: etc/keepmq.conf below the current folder
    std::vector<config::Override> overrides;
    std::vector<std::string_view> rest;
    std::string error;  ///< not empty: the command line is wrong
};
[[nodiscard]] Options parse_options(const std::vector<std::string_view>& arguments);

/// Settings out of file, environment and command line.
[[nodiscard]] config::Settings read_settings(const Options& options, Diagnostics& diagnostics);

/// The same; prints what is wrong to standard error. Nothing after an error.
[[nodiscard]] std::optional<config::Settings> load_settings(const Options& options);

}  // namespace keepmq::app
