#include "load/bench.hpp"

#include <csignal>
#include <ostream>

namespace keepmq::load {
namespace {

volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int /*number*/) {
    stop_requested = 1;
}

std::string read_version(std::string_view text, mqtt::ProtocolVersion& into) {
    if (text == "3" || text == "3.1" || text == "mqttv31")
        into = mqtt::ProtocolVersion::v3_1;
    else if (text == "4" || text == "311" || text == "3.1.1" || text == "mqttv311")
        into = mqtt::ProtocolVersion::v3_1_1;
    else if (text == "5" || text == "5.0" || text == "mqttv5")
        into = mqtt::ProtocolVersion::v5;
    else
        return "3 (MQTT 3.1), 4 (3.1.1) or 5";
    return {};
}

}  // namespace

std::vector<Option> bench_options(BenchSettings& settings) {
    return {
        text("-h, --host", "HOST", settings.host, "name or address of the broker"),
        count("-p, --port", settings.port, "of the broker", 1, 65'535),
        text("-u, --username", "NAME", settings.username, "to log in with; without: none"),
        text("-P, --password", "TEXT", settings.password, "to log in with"),
        {"-V, --version",
         "3|4|5",
         "MQTT 3.1, 3.1.1 or 5.0 (4)",
         [&settings](std::string_view given) { return read_version(given, settings.version); }},
        text("--prefix", "TEXT", settings.prefix, "client identifiers begin with it"),
        count("--pid",
              settings.pid,
              "process of the broker on this machine:\nits CPU time and memory are reported",
              1,
              4'194'304),
        text(
            "--json", "FILE", settings.json, "writes all figures as JSON; `-` prints nothing else"),
        flag("--progress", settings.progress, "a line each second, also when nobody watches"),
        flag("--quiet", settings.quiet, "no such line on a terminal"),
    };
}

Option qos_option(Qos& into, std::string help) {
    help += " (" + std::to_string(static_cast<int>(into)) + ')';
    return {"-q, --qos", "0|1|2", std::move(help), [&into](std::string_view given) -> std::string {
                if (given != "0" && given != "1" && given != "2")
                    return "0, 1 or 2";
                into = static_cast<Qos>(given[0] - '0');
                return {};
            }};
}

std::string Bench::prepare() {
    if (settings_.pid != 0) {
        broker_ = Process::find(static_cast<pid_t>(settings_.pid));
        if (!broker_)
            return "there is no process " + std::to_string(settings_.pid) + " (--pid)";
    }
    auto found = find_endpoint(settings_.host, static_cast<std::uint16_t>(settings_.port));
    if (auto* error = std::get_if<std::string>(&found))
        return std::move(*error);
    endpoint_ = std::get<Endpoint>(found);
    return {};
}

Login Bench::login(std::uint16_t keep_alive) const {
    return {endpoint_, settings_.version, settings_.username, settings_.password, keep_alive};
}

std::string Bench::client_id(std::string_view role, std::uint64_t number) const {
    return settings_.prefix + '-' + std::string{role} + std::to_string(number);
}

void Bench::stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = request_stop;
    action.sa_flags = SA_RESETHAND;  // a second one ends the program
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

bool Bench::is_stopped() {
    return stop_requested != 0;
}

void Bench::progress(Micros now, const std::function<std::string()>& line) {
    if (progress_ == nullptr || now < next_line_)
        return;
    if (next_line_ != 0)
        *progress_ << line() << std::endl;
    next_line_ = now + second;
}

Usage Bench::usage() const {
    Usage usage;
    usage.load_cpu = Process::self().cpu_seconds();
    if (broker_) {
        usage.broker_cpu = broker_->cpu_seconds();
        usage.broker_memory = broker_->resident_bytes();
    }
    return usage;
}

void Bench::add_usage(BenchReport& report,
                      const Usage& before,
                      const Usage& after,
                      std::uint64_t load_units,
                      std::uint64_t broker_units,
                      std::string_view unit) const {
    const auto micros = [](double seconds, std::uint64_t units) {
        return units > 0 ? seconds * 1e6 / static_cast<double>(units) : 0;
    };
    const double own = after.load_cpu - before.load_cpu;
    report.figures.add("client_cpu_seconds", own).add("client_cpu_us", micros(own, load_units));
    report.text += "load generator: CPU " + rounded(micros(own, load_units), 2) + " us each\n";
    if (!broker_)
        return;
    const double theirs = after.broker_cpu - before.broker_cpu;
    Figures figures;
    figures.add("pid", broker_->pid())
        .add("cpu_seconds", theirs)
        .add("cpu_us", micros(theirs, broker_units))
        .add("unit", unit)
        .add("memory_before", before.broker_memory)
        .add("memory", after.broker_memory);
    report.figures.add("broker", figures);
    report.text += "broker: CPU " + rounded(micros(theirs, broker_units), 2) + " us for each " +
                   std::string{unit} + ", memory " +
                   rounded(static_cast<double>(after.broker_memory) / 1048576, 1) + " MB\n";
}

}  // namespace keepmq::load
