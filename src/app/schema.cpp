#include <iostream>

#include "app/backends.hpp"
#include "app/commands.hpp"
#include "app/pool.hpp"

namespace keepmq::app {
namespace {

constexpr std::string_view usage =
    "usage: keepmq schema show|create|check KIND POOL   (for example: sqlite pool1)\n";

int check(const store::Backend& backend) {
    const auto report = backend.check_schema();
    for (const auto& warning : report.warnings) std::cout << "warning: " << warning << '\n';
    for (const auto& missing : report.missing) std::cout << "missing: " << missing << '\n';
    if (report.failure)
        std::cout << "failed: " << report.failure->text << '\n';
    std::cout << (report.ok() ? "schema is complete\n" : "schema is not complete\n");
    return report.ok() ? 0 : 1;
}

}  // namespace

int run_schema(const Options& options) {
    if (options.rest.size() != 3) {
        std::cerr << usage;
        return 2;
    }
    const auto verb = options.rest[0];
    if (runtime::find_backend(backends(), options.rest[1]) == nullptr) {
        std::cerr << "keepmq schema: no backend " << options.rest[1] << " in this program\n";
        return 2;
    }
    const auto settings = load_settings(options);
    const auto backend =
        settings ? find_pool(*settings, options.rest[1], options.rest[2]) : nullptr;
    if (!backend)
        return 1;
    if (verb == "show") {
        std::cout << backend->schema_script();
        return 0;
    }
    if (verb == "create") {
        if (const auto failure = backend->create_schema()) {
            std::cerr << "failed: " << failure->text << '\n';
            return 1;
        }
        return check(*backend);
    }
    if (verb == "check")
        return check(*backend);
    std::cerr << usage;
    return 2;
}

}  // namespace keepmq::app
