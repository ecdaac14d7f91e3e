#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>

#include "app/audit_store.hpp"
#include "app/commands.hpp"
#include "app/limits.hpp"
#include "app/pool.hpp"
#include "load/audit_options.hpp"
#include "load/audit_report.hpp"

namespace keepmq::app {
namespace {

constexpr int unclean = 1;
constexpr int wrong_usage = 2;
constexpr int failed = 3;

volatile std::sig_atomic_t stop_requests = 0;

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_requests = stop_requests + 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

void show_progress(const load::AuditProgress& progress) {
    std::cerr << "sent " << progress.sent << ", acknowledged " << progress.acked << ", received "
              << progress.received << ", connected " << progress.connected;
    if (!progress.trouble.empty())
        std::cerr << " (" << progress.trouble << ')';
    std::cerr << std::endl;
}

int fail(const std::string& why) {
    std::cerr << "keepmq audit: " << why << '\n';
    return failed;
}

int report(const load::AuditReport& report, const load::AuditOptions& options) {
    if (options.json)
        std::cout << report.to_json() << std::endl;
    else
        report.print(std::cout);
    return report.clean() ? 0 : unclean;
}

/// Compares, and says what came of it. `audit` is null when only a log is judged.
int judge(const load::AuditOptions& options,
          const load::AuditPlan& plan,
          const load::Ledger& ledger,
          const load::Audit* audit,
          const AuditStore& store) {
    load::Judge judge{plan, ledger};
    if (const auto failure = store.read(plan, ledger, judge))
        return fail(*failure);
    load::AuditReport result{plan.run,
                             ledger.sends(),
                             ledger.refusals(),
                             ledger.sessions_lost(),
                             judge.verdict(),
                             {},
                             {}};
    if (audit != nullptr) {
        result.figures = audit->figures();
        if (plan.subscribers > 0)
            result.deliveries = audit->deliveries(judge);
    }
    return report(result, options);
}

int check_log(const load::AuditOptions& options, const AuditStore& store) {
    std::ifstream file{options.check};
    if (!file)
        return fail(options.check + " cannot be read");
    std::string error;
    auto found = load::Ledger::read(file, error);
    if (!found)
        return fail(options.check + ": " + error);
    found->plan.settle = options.plan.settle;
    return judge(options, found->plan, found->ledger, nullptr, store);
}

int publish_and_judge(const load::AuditOptions& options, const AuditStore& store) {
    std::ofstream log;
    if (!options.log.empty()) {
        log.open(options.log, std::ios::trunc);
        if (!log)
            return fail(options.log + " cannot be written");
        load::Ledger::write_head(options.plan, log);
    }
    std::ostream* const to = log.is_open() ? &log : nullptr;
    load::Ledger ledger{options.plan, to};
    load::Audit audit{options.plan, ledger, to};
    const load::Audit::OnProgress on_progress = [&](const load::AuditProgress& progress) {
        if (!options.quiet)
            show_progress(progress);
    };
    const auto stops = [] { return static_cast<unsigned>(stop_requests); };
    if (const auto error = audit.run(stops, on_progress); !error.empty())
        return fail(error);
    if (to != nullptr && !log)
        return fail(options.log + " could not be written to the end");
    return judge(options, options.plan, ledger, &audit, store);
}

}  // namespace

int run_audit(const Options& options) {
    if (std::ranges::find(options.rest, "--help") != options.rest.end()) {
        std::cout << load::audit_usage();
        return 0;
    }
    const auto audit = load::parse_audit_options(options.rest);
    if (!audit.error.empty()) {
        std::cerr << "keepmq audit: " << audit.error << '\n' << load::audit_usage();
        return wrong_usage;
    }
    const auto settings = load_settings(options);
    const auto backend =
        settings ? find_pool(*settings, audit.kind, audit.pool, audit.plugin_conf) : nullptr;
    if (!backend)
        return failed;
    catch_signals();
    raise_descriptor_limit();
    const AuditStore store{*backend, settings->node.data_dir + "/dead_letters.db"};
    return audit.check.empty() ? publish_and_judge(audit, store) : check_log(audit, store);
}

}  // namespace keepmq::app
