#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>

#include "load/load.hpp"

namespace keepmq::load {
namespace {

constexpr std::string_view usage =
    "usage: keepmq bench pub|sub|conn [options]\n"
    "  pub   publishers and subscribers together: throughput and latency\n"
    "  sub   only subscribers, for load from elsewhere\n"
    "  conn  opens --count connections and holds them for --seconds\n"
    "  --host A --port N --version 3|4|5 --publishers N --subscribers N --topic T --filter F\n"
    "  --qos 0|1|2 --payload BYTES --window N --rate MESSAGES_PER_SECOND --seconds N --warm-up N\n"
    "  --prefix TEXT --keep-session --count N --json\n"
    "  %i in topic and filter is the number of the publisher or subscriber\n";

template <class T>
bool read(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

struct Command {
    Scenario scenario;
    std::size_t count = 1000;
    bool json = false;
};

bool read_seconds(std::string_view text, std::chrono::milliseconds& into) {
    double seconds = 0;
    if (!read(text, seconds) || seconds < 0)
        return false;
    into = std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
    return true;
}

/// False for an unknown option or a bad value.
bool apply(Command& command, std::string_view option, std::string_view value) {
    auto& scenario = command.scenario;
    if (option == "--host")
        return !(scenario.host = value).empty();
    if (option == "--topic")
        return !(scenario.topic = value).empty();
    if (option == "--filter")
        return !(scenario.filter = value).empty();
    if (option == "--prefix")
        return !(scenario.client_prefix = value).empty();
    if (option == "--port")
        return read(value, scenario.port);
    if (option == "--version")
        return read(value, scenario.version) && scenario.version >= 3 && scenario.version <= 5;
    if (option == "--publishers")
        return read(value, scenario.publishers);
    if (option == "--subscribers")
        return read(value, scenario.subscribers);
    if (option == "--payload")
        return read(value, scenario.payload) && scenario.payload >= 8;
    if (option == "--window")
        return read(value, scenario.window) && scenario.window > 0 && scenario.window < 65'536;
    if (option == "--rate")
        return read(value, scenario.rate) && scenario.rate >= 0;
    if (option == "--count")
        return read(value, command.count);
    if (option == "--seconds")
        return read_seconds(value, scenario.duration);
    if (option == "--warm-up")
        return read_seconds(value, scenario.warm_up);
    if (option == "--qos") {
        int qos = 0;
        if (!read(value, qos) || qos < 0 || qos > 2)
            return false;
        scenario.qos = static_cast<Qos>(qos);
        return true;
    }
    return false;
}

std::optional<Command> parse(std::span<const std::string_view> arguments, std::ostream& err) {
    Command command;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const auto option = arguments[i];
        if (option == "--json") {
            command.json = true;
        } else if (option == "--keep-session") {
            command.scenario.clean_start = false;
        } else if (i + 1 == arguments.size() || !apply(command, option, arguments[i + 1])) {
            err << "keepmq bench: unknown option or bad value: " << option << '\n' << usage;
            return std::nullopt;
        } else {
            ++i;
        }
    }
    return command;
}

void print(const Report& report, std::ostream& out) {
    const double span = report.seconds > 0 ? report.seconds : 1;
    out << "published  " << static_cast<std::uint64_t>(static_cast<double>(report.published) / span)
        << " /s\n"
        << "received   " << static_cast<std::uint64_t>(static_cast<double>(report.received) / span)
        << " /s\n"
        << "latency    p50 " << report.latency_p50 << " us, p99 " << report.latency_p99
        << " us, max " << report.latency_max << " us\n"
        << "refused " << report.refused << ", disconnects " << report.disconnects << '\n';
}

}  // namespace

int run_command(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err) {
    if (std::ranges::find(arguments, "--help") != arguments.end()) {
        out << usage;
        return 0;
    }
    if (arguments.empty() ||
        (arguments[0] != "pub" && arguments[0] != "sub" && arguments[0] != "conn")) {
        err << usage;
        return 2;
    }
    auto command = parse(arguments, err);
    if (!command)
        return 2;
    if (arguments[0] == "sub")
        command->scenario.publishers = 0;
    const auto result = arguments[0] == "conn" ? run_connections(command->scenario, command->count)
                                               : run(command->scenario);
    if (const auto* error = std::get_if<std::string>(&result)) {
        err << "keepmq bench: " << *error << '\n';
        return 1;
    }
    const auto& report = std::get<Report>(result);
    if (command->json)
        out << report.to_json(command->scenario) << '\n';
    else
        print(report, out);
    return 0;
}

}  // namespace keepmq::load
