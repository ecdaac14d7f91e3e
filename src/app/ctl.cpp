#include "admin/ctl.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "app/commands.hpp"

namespace keepmq::app {

/// Finds the broker by the settings it was started with. Mistakes in other lines are said, but keep
/// nobody from asking; warnings are for those who start it.
int run_ctl_command(const Options& options) {
    admin::CtlOptions ctl;
    auto words = options.rest;
    Options quiet = options;
    if (!std::filesystem::exists(quiet.conf_file) && quiet.conf_file == "etc/keepmq.conf")
        quiet.conf_file.clear();
    Diagnostics diagnostics;
    const auto admin = read_settings(quiet, diagnostics).admin;
    for (const auto& each : diagnostics.all())
        if (each.severity == Severity::error)
            std::cerr << each.to_string() << '\n';
    ctl.host = admin.endpoint.host.empty() ? "127.0.0.1" : admin.endpoint.host;
    ctl.port = admin.endpoint.port;
    ctl.login = admin.login;
    ctl.password = admin.password;
    if (std::ranges::find(words, "--help") != words.end())
        words = {"help"};
    if (const auto json = std::ranges::find(words, "--json"); json != words.end()) {
        ctl.json = true;
        words.erase(json);
    }
    return admin::run_ctl(ctl, words, std::cout, std::cerr);
}

}  // namespace keepmq::app
