#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <ostream>

#include "load/bench_conn.hpp"
#include "load/bench_pub.hpp"
#include "load/bench_replay.hpp"
#include "load/bench_retain.hpp"

namespace keepmq::load {
namespace {

/// Thousands of connections need as many files.
void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// One command; `Settings` begins with what all have.
struct Command {
    std::string_view name;
    std::string_view purpose;
    std::string_view words;  ///< for the help, below the purpose
    int (*run)(const Command&, std::span<const std::string_view>, std::ostream&, std::ostream&);
};

int write_report(const Command& command,
                 const BenchSettings& settings,
                 const BenchReport& report,
                 std::ostream& out,
                 std::ostream& err) {
    if (settings.json == "-") {
        out << report.figures.json() << '\n';
    } else {
        out << report.text;
        if (!settings.json.empty()) {
            std::ofstream file{settings.json};
            file << report.figures.json() << '\n';
            if (!file.flush()) {
                err << "keepmq bench " << command.name << ": cannot write " << settings.json
                    << '\n';
                return 1;
            }
        }
    }
    return report.complete ? 0 : 1;
}

template <class Settings, std::vector<Option> (*options_of)(Settings&), auto measure>
int run(const Command& command,
        std::span<const std::string_view> arguments,
        std::ostream& out,
        std::ostream& err) {
    Settings settings;
    const auto own = options_of(settings);
    const auto common = bench_options(settings);
    std::vector<Option> options{own};
    options.insert(options.end(), common.begin(), common.end());
    for (const auto& word : arguments) {
        if (word != "--help")
            continue;
        out << "usage: keepmq bench " << command.name << " [options]\n"
            << command.purpose << ". " << command.words << "\n\n"
            << options_help(own) << '\n'
            << options_help(common);
        return 0;
    }
    const auto fail = [&](const std::string& why, int code) {
        err << "keepmq bench " << command.name << ": " << why << '\n';
        return code;
    };
    if (const auto wrong = parse_options(options, arguments); !wrong.empty())
        return fail(wrong + " (keepmq bench " + std::string{command.name} + " --help)", 2);
    if (const auto wrong = settings.check(); !wrong.empty())
        return fail(wrong, 2);
    const bool shows = settings.progress || (!settings.quiet && ::isatty(STDERR_FILENO) == 1);
    Bench bench{settings, shows ? &err : nullptr};
    raise_file_limit();
    if (const auto problem = bench.prepare(); !problem.empty())
        return fail(problem, 1);
    Bench::stop_on_signals();
    const BenchReport report = measure(settings, bench);
    if (!report.error.empty())
        return fail(report.error, 1);
    return write_report(command, settings, report, out, err);
}

constexpr Command commands[] = {
    {"pub",
     "Publishes, also to subscribers of its own: throughput and latency",
     "As many messages as the windows\nallow, or a steady --rate; then latency counts from the "
     "moment a message was due.",
     &run<PubSettings, pub_options, &run_pub>},
    {"sub",
     "Only subscribers, for messages that others publish",
     "Latency is that of messages from `keepmq bench`\non the same machine.",
     &run<SubSettings, sub_options, &run_sub>},
    {"conn",
     "Connects, holds the connections, disconnects",
     "With --churn: connects and disconnects all the time.",
     &run<ConnSettings, conn_options, &run_conn>},
    {"retain",
     "Retained messages to a new subscriber",
     "Publishes them, then measures until the subscriber\nof a wildcard has them all; removes them "
     "at the end.",
     &run<RetainSettings, retain_options, &run_retain>},
    {"replay",
     "Messages for subscribers that are away",
     "Publishes while their sessions wait, then measures\nuntil they have everything; looks for "
     "gaps and duplicates.",
     &run<ReplaySettings, replay_options, &run_replay>},
};

void print_usage(std::ostream& out) {
    out << "usage: keepmq bench COMMAND [options]      load for any MQTT broker\n";
    for (const auto& each : commands)
        out << "  " << each.name << std::string(8 - each.name.size(), ' ') << each.purpose << '\n';
    out << "keepmq bench COMMAND --help explains the options.\n";
}

}  // namespace

int run_bench(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err) {
    if (arguments.empty()) {
        print_usage(err);
        return 2;
    }
    for (const auto& each : commands)
        if (each.name == arguments[0])
            return each.run(each, arguments.subspan(1), out, err);
    if (arguments[0] == "--help" || arguments[0] == "help") {
        print_usage(out);
        return 0;
    }
    err << "keepmq bench: no command \"" << arguments[0]
        << "\"; there are pub, sub, conn, retain and replay\n";
    return 2;
}

}  // namespace keepmq::load
