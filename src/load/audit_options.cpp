#include "load/audit_options.hpp"

#include <algorithm>
#include <charconv>
#include <random>

namespace keepmq::load {
namespace {

constexpr std::string_view usage =
    "usage: keepmq audit KIND POOL [options] [-c etc/keepmq.conf]   (for example: sqlite pool1)\n"
    "Publishes through a running broker while you break things, then compares what was\n"
    "acknowledged with the database of that pool and with the dead letters.\n"
    "  --seconds N | --count N   publish so long, or so many messages per publisher; without "
    "either\n"
    "                            until Ctrl-C (a second one ends waiting, too)\n"
    "  --host A --port N --version 4|5 --publishers N --qos 1|2|both --topics N --payload BYTES\n"
    "  --topic T                 %r is the run, %t the number of the topic (audit/%r/%t)\n"
    "  --window N                messages of a publisher that are not acknowledged yet\n"
    "  --rate N                  messages per second of all; without: as fast as the window "
    "allows\n"
    "  --subscribe N             subscribers with lasting sessions: delivery is checked, too\n"
    "  --finish SECONDS          for answers that are open when publishing ends (60)\n"
    "  --settle SECONDS          for database and subscribers to catch up (30)\n"
    "  --conf FILE               emqx_backend_*.conf of the pool, if not where keepmq.conf says\n"
    "  --run WORD                name of the run (random)\n"
    "  --log FILE                write down what is sent and acknowledged\n"
    "  --check FILE              publish nothing: judge the log of an audit that was killed\n"
    "  --json --quiet\n"
    "exit code: 0 all is kept, 1 something is missing, duplicate, out of order or damaged,\n"
    "           2 usage, 3 it could not be run or judged\n";

template <class T>
bool read(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read_count(std::string_view text, std::size_t& value, std::size_t most) {
    return read(text, value) && value > 0 && value <= most;
}

bool read_seconds(std::string_view text, std::chrono::milliseconds& into) {
    double seconds = 0;
    if (!read(text, seconds) || seconds < 0 || seconds > 1e7)
        return false;
    into = std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
    return true;
}

bool read_qos(std::string_view text, AuditQos& qos) {
    if (text == "1")
        qos = AuditQos::one;
    else if (text == "2")
        qos = AuditQos::two;
    else if (text == "both")
        qos = AuditQos::both;
    else
        return false;
    return true;
}

bool read_run(std::string_view text, std::string& run) {
    run = text;
    return !text.empty() && text.size() <= 40 && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
    });
}

std::string random_word() {
    constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";
    std::random_device chance;
    std::string word;
    for (int i = 0; i < 8; ++i) word += letters[chance() % letters.size()];
    return word;
}

/// False for an unknown option or a bad value.
bool apply_plan(AuditPlan& plan, std::string_view option, std::string_view value) {
    if (option == "--host")
        return !(plan.host = value).empty();
    if (option == "--port")
        return read(value, plan.port);
    if (option == "--version")
        return read(value, plan.version) && (plan.version == 4 || plan.version == 5);
    if (option == "--publishers")
        return read_count(value, plan.publishers, 100'000);
    if (option == "--qos")
        return read_qos(value, plan.qos);
    if (option == "--topics")
        return read_count(value, plan.topics, 1'000'000);
    if (option == "--topic")
        return (plan.topic = value).find("%r") != std::string::npos && !filter_of(plan).empty();
    if (option == "--payload")
        return read(value, plan.payload) && plan.payload <= 16'000'000;
    if (option == "--window")
        return read_count(value, plan.window, 65'535);
    if (option == "--rate")
        return read(value, plan.rate) && plan.rate > 0;
    if (option == "--count")
        return read(value, plan.count) && plan.count > 0;
    if (option == "--seconds")
        return read_seconds(value, plan.duration);
    if (option == "--finish")
        return read_seconds(value, plan.finish);
    if (option == "--settle")
        return read_seconds(value, plan.settle);
    if (option == "--subscribe")
        return read(value, plan.subscribers) && plan.subscribers <= 100'000;
    if (option == "--run")
        return read_run(value, plan.run);
    return false;
}

bool apply(AuditOptions& options, std::string_view option, std::string_view value) {
    if (option == "--conf")
        return !(options.plugin_conf = value).empty();
    if (option == "--log")
        return !(options.log = value).empty();
    if (option == "--check")
        return !(options.check = value).empty();
    return apply_plan(options.plan, option, value);
}

}  // namespace

std::string_view audit_usage() {
    return usage;
}

AuditOptions parse_audit_options(std::span<const std::string_view> arguments) {
    AuditOptions options;
    options.plan.run = random_word();
    for (std::size_t i = 0; i < arguments.size() && options.error.empty(); ++i) {
        const auto word = arguments[i];
        if (word == "--json") {
            options.json = true;
        } else if (word == "--quiet") {
            options.quiet = true;
        } else if (word.starts_with("-")) {
            if (i + 1 == arguments.size() || !apply(options, word, arguments[i + 1]))
                options.error = "unknown option or bad value: " + std::string{word};
            ++i;
        } else if (options.kind.empty()) {
            options.kind = word;
        } else if (options.pool.empty()) {
            options.pool = word;
        } else {
            options.error = "one word too many: " + std::string{word};
        }
    }
    if (options.error.empty() && options.pool.empty())
        options.error = "KIND and POOL of the database are missing";
    return options;
}

}  // namespace keepmq::load
