#include <algorithm>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "admin/ctl.hpp"
#include "app/backends.hpp"
#include "app/commands.hpp"
#include "app/limits.hpp"
#include "load/bench.hpp"

namespace {

constexpr std::string_view usage =
    "keepmq start  [-c etc/keepmq.conf] [--set KEY=VALUE]...   run the broker in the foreground\n"
    "keepmq check  [-c FILE]                                   read all configuration, explain the "
    "rules\n"
    "keepmq schema show|create|check KIND POOL [-c FILE]       tables of a database\n"
    "keepmq ctl    COMMAND ... [--json]                        talk to the running broker\n"
    "keepmq audit  KIND POOL [options] [-c FILE]               publish, then prove that all is "
    "kept\n"
    "keepmq bench  pub|sub|conn|retain|replay ...              load for any MQTT broker\n"
    "keepmq --version\n";

void print_version() {
    std::cout << "KeepMQ " << KEEPMQ_VERSION << "\nbackends:";
    for (const auto* backend : keepmq::app::backends()) std::cout << ' ' << backend->kind;
    std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    keepmq::app::restrict_new_files();
    const std::vector<std::string_view> arguments{argv + 1, argv + argc};
    if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "help") {
        std::cout << usage;
        return arguments.empty() ? 2 : 0;
    }
    if (arguments[0] == "--version") {
        print_version();
        return 0;
    }
    if (arguments[0] == "bench")
        return keepmq::load::run_bench(std::span{arguments}.subspan(1), std::cout, std::cerr);
    if (arguments[0] != "ctl" && arguments[0] != "audit" &&
        std::ranges::find(arguments, "--help") != arguments.end()) {
        std::cout << usage;
        return 0;
    }
    const auto options = keepmq::app::parse_options({arguments.begin() + 1, arguments.end()});
    if (!options.error.empty()) {
        std::cerr << "keepmq: " << options.error << '\n';
        return 2;
    }
    if (arguments[0] == "start")
        return keepmq::app::run_start(options);
    if (arguments[0] == "check")
        return keepmq::app::run_check(options);
    if (arguments[0] == "schema")
        return keepmq::app::run_schema(options);
    if (arguments[0] == "audit")
        return keepmq::app::run_audit(options);
    if (arguments[0] == "ctl")
        return keepmq::app::run_ctl_command(options);
    std::cerr << "keepmq: unknown command " << arguments[0] << '\n' << usage;
    return 2;
}
