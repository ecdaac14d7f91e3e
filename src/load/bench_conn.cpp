#include "load/bench_conn.hpp"

#include <algorithm>
#include <cmath>

#include "load/pattern.hpp"

namespace keepmq::load {
namespace {

constexpr Micros patience = 30 * second;

}  // namespace

std::vector<Option> conn_options(ConnSettings& settings) {
    return {
        count("-c, --count", settings.connections, "connections", 1, 1'000'000),
        rate("-R, --connrate", settings.rate, "connects/s; without: as fast as it goes"),
        count("--at-once", settings.at_once, "connects under way at the same time", 1, 100'000),
        text("-t, --topic",
             "FILTER",
             settings.filter,
             "each subscribes to it; %i: number of the\nconnection"),
        qos_option(settings.qos, "of the subscriptions"),
        count("-k, --keepalive", settings.keep_alive, "seconds; 0: off", 0, 65'535),
        flag("--churn", settings.churn, "each disconnects at once and comes back"),
        seconds("--seconds", settings.duration, "that connections are held, or come and go"),
    };
}

ConnRun::ConnRun(const ConnSettings& settings, Bench& bench)
    : settings_{settings},
      bench_{bench},
      swarm_{bench.login(static_cast<std::uint16_t>(settings.keep_alive))} {
    for (std::uint64_t i = 0; i < settings.connections; ++i) {
        std::optional<Subscription> subscription;
        if (settings.filter)
            subscription = {numbered(*settings.filter, "%i", i), settings.qos};
        swarm_.add(bench.client_id("c", i), std::move(subscription));
    }
}

void ConnRun::on_up(Member& member, Micros now) {
    latencies_.record(now - member.due);
    ++connected_;
    // Not here: the swarm is reading from it.
    if (settings_.churn)
        leaving_.push_back(&member);
}

void ConnRun::on_frame(Member& member, const Frame& frame, Micros now) {
    subscribers_.on_frame(member, frame, now);
}

void ConnRun::on_lost(Member& member, const std::string& why) {
    ++failed_;
    trouble_ = member.client_id + ": " + why;
}

Micros ConnRun::due_of(std::uint64_t index) const {
    return begin_ + std::llround(static_cast<double>(index) * 1e6 / settings_.rate);
}

void ConnRun::begin_due(Micros now) {
    while (swarm_.joining() < settings_.at_once) {
        if (!settings_.churn && begun_ == settings_.connections)
            return;
        auto& member = swarm_[begun_ % settings_.connections];
        if (member.state != Member::State::closed)
            return;
        if (settings_.rate > 0 && due_of(begun_) > now)
            return;
        member.due = settings_.rate > 0 ? due_of(begun_) : now_micros();
        ++begun_;
        swarm_.begin(member);
    }
}

void ConnRun::connect(Micros end) {
    begin_ = now_micros();
    auto last = begin_;
    std::uint64_t done = 0;
    for (auto now = begin_; now < end && !Bench::is_stopped(); now = now_micros()) {
        if (connected_ + failed_ != done) {
            done = connected_ + failed_;
            last = now;
        }
        if (!settings_.churn && done >= settings_.connections)
            return;
        if (now - last > patience) {
            trouble_ = "no answer for 30 s";
            return;
        }
        begin_due(now);
        auto next = std::min(end, now + second / 10);
        if (settings_.rate > 0 && swarm_.joining() < settings_.at_once)
            next = std::min(next, due_of(begun_));
        bench_.progress(now, [this] {
            const auto more = connected_ - shown_;
            shown_ = connected_;
            return "connected " + grouped(connected_) + ", " + grouped(more) + "/s, failed " +
                   grouped(failed_) + ", open " + grouped(swarm_.up());
        });
        swarm_.wait(next, *this);
        for (auto* member : leaving_) swarm_.close(*member);
        leaving_.clear();
    }
}

void ConnRun::hold() {
    const auto begin = now_micros();
    const auto end = begin + to_micros(settings_.duration);
    for (auto now = begin; now < end && !Bench::is_stopped() && swarm_.up() > 0;
         now = now_micros()) {
        bench_.progress(now, [this] { return "open " + grouped(swarm_.up()); });
        swarm_.wait(std::min(end, now + second / 10), *this);
    }
}

BenchReport ConnRun::run() {
    const auto before = bench_.usage();
    const auto begin = now_micros();
    connect(settings_.churn ? begin + to_micros(settings_.duration) : INT64_MAX);
    const auto span = static_cast<double>(now_micros() - begin) / 1e6;
    const auto connected = bench_.usage();
    if (connected_ == 0) {
        BenchReport failed;
        failed.error = trouble_.empty() ? "stopped before anything was connected" : trouble_;
        return failed;
    }
    if (!settings_.churn)
        hold();
    held_ = swarm_.up();
    const auto held = bench_.usage();
    for (std::size_t i = 0; i < swarm_.size(); ++i) swarm_.close(swarm_[i]);
    return report(span, before, connected, held);
}

BenchReport ConnRun::report(double span,
                            const Usage& before,
                            const Usage& connected,
                            const Usage& held) {
    BenchReport report;
    report.figures.add("connections", settings_.connections)
        .add("seconds", span)
        .add("connected", connected_)
        .add("connected_per_second", per_second(connected_, span))
        .add("failed", failed_)
        .add("held", held_)
        .add("received", subscribers_.received())
        .add("latency_us", latencies_);
    report.text = "connected " + grouped(connected_) + " in " + rounded(span, 2) + " s, " +
                  rounded(per_second(connected_, span), 0) + "/s; failed or lost " +
                  grouped(failed_) + '\n' + "latency to CONNACK" +
                  (settings_.filter ? " and SUBACK" : "") + "  " + in_words(latencies_) + '\n';
    if (!settings_.churn)
        report.text += "held " + grouped(held_) + " for " +
                       rounded(static_cast<double>(settings_.duration.count()) / 1000, 1) + " s\n";
    if (failed_ > 0)
        report.text += "the last failure was " + trouble_ + '\n';
    bench_.add_usage(report, before, connected, connected_, connected_, "connect");
    if (settings_.pid != 0 && held_ > 0) {
        const double more =
            static_cast<double>(held.broker_memory) - static_cast<double>(before.broker_memory);
        const double each = more / static_cast<double>(held_);
        const double idle = (held.broker_cpu - connected.broker_cpu);
        report.figures.add("bytes_per_connection", each).add("held_cpu_seconds", idle);
        report.text += "broker: " + rounded(each, 0) +
                       " bytes of memory for each connection, CPU " + rounded(idle, 2) +
                       " s while they were held\n";
    }
    report.complete = failed_ == 0;
    return report;
}

BenchReport run_conn(const ConnSettings& settings, Bench& bench) {
    return ConnRun{settings, bench}.run();
}

}  // namespace keepmq::load
