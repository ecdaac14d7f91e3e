#include "load/bench_retain.hpp"

#include "load/burst.hpp"
#include "load/pattern.hpp"

namespace keepmq::load {

RetainSettings::RetainSettings() {
    plan.topic = "bench/retained/%n";
    plan.qos = Qos::at_least_once;
    plan.retain = true;
    plan.limit = 10'000;
    plan.window = 100;
}

std::string RetainSettings::check() {
    if (plan.topic.find("%n") == std::string::npos || plan.topic.find("%i") != std::string::npos)
        return "the topic needs %n, the number of the message, and nothing else that varies";
    if (filter.empty()) {
        filter = plan.topic;
        for (auto at = filter.find("%n"); at != std::string::npos; at = filter.find("%n"))
            filter.replace(at, 2, "+");
    }
    return {};
}

std::vector<Option> retain_options(RetainSettings& settings) {
    return {
        count("-L, --limit, --messages", settings.plan.limit, "retained messages", 1, 100'000'000),
        text("-t, --topic", "TOPIC", settings.plan.topic, "%n: number of the message"),
        count("-s, --size", settings.plan.size, "bytes of payload", Stamp::size, 268'435'000),
        count("-c, --count, --publishers",
              settings.publishers,
              "they publish with QoS 1",
              1,
              100'000),
        count("-F, --inflight, --window",
              settings.plan.window,
              "messages of a publisher that are not\nacknowledged yet",
              1,
              65'535),
        count("--subscribers", settings.subscribers, "all subscribe at the same time", 1, 100'000),
        text("--filter",
             "FILTER",
             settings.filter,
             "of the subscribers; without: the topic\nwith + for %n"),
        qos_option(settings.qos, "of the subscribers"),
        seconds("--timeout", settings.timeout, "without a message, after which it ends"),
        flag("--keep", settings.keep, "does not remove the messages at the end"),
    };
}

RetainRun::RetainRun(const RetainSettings& settings, Bench& bench)
    : settings_{settings}, bench_{bench}, swarm_{bench.login()} {
    for (std::uint64_t i = 0; i < settings.publishers; ++i) swarm_.add(bench.client_id("p", i));
    for (std::uint64_t i = 0; i < settings.subscribers; ++i)
        swarm_.add(bench.client_id("s", i), Subscription{settings.filter, settings.qos});
}

void RetainRun::on_frame(Member& member, const Frame& frame, Micros now) {
    if (member.subscription)
        arrivals_->on_frame(member, frame, now);
    else
        publishers_->on_frame(member, frame, now);
}

void RetainRun::on_lost(Member& member, const std::string& why) {
    trouble_ = member.client_id + ": " + why;
}

BenchReport RetainRun::run() {
    BenchReport report;
    if (report.error = swarm_.join(0, settings_.publishers, *this); !report.error.empty())
        return report;
    publishers_ = std::make_unique<Publishers>(swarm_, settings_.plan, 0, settings_.publishers);
    const auto start = now_micros();
    const auto burst = publish_all(swarm_, *publishers_, *this, bench_, Publishers::never);
    if (!trouble_.empty() || burst.acknowledged < settings_.plan.limit) {
        report.error = trouble_.empty() ? "the broker acknowledged " + grouped(burst.acknowledged) +
                                              " of " + grouped(settings_.plan.limit) + " messages"
                                        : trouble_;
        remove_messages();
        return report;
    }
    const Sequences expected{publishers_->numbers()};
    arrivals_ = std::make_unique<Arrivals>(
        swarm_, settings_.publishers, std::vector(settings_.subscribers, expected), start);
    const auto before = bench_.usage();
    const auto begin = now_micros();
    report.error = swarm_.join(settings_.publishers, settings_.subscribers, *this);
    if (report.error.empty())
        arrivals_->wait(*this, bench_, to_micros(settings_.timeout));
    const auto after = bench_.usage();
    remove_messages();
    if (!report.error.empty())
        return report;
    report.figures.add("messages", settings_.plan.limit)
        .add("subscribers", settings_.subscribers)
        .add("qos", static_cast<int>(settings_.qos))
        .add("size", settings_.plan.size)
        .add("publish_seconds", burst.seconds)
        .add("published", burst.acknowledged)
        .add("published_per_second", per_second(burst.acknowledged, burst.seconds));
    report.text = "published " + grouped(burst.acknowledged) + " in " + rounded(burst.seconds, 2) +
                  " s, " + rounded(per_second(burst.acknowledged, burst.seconds), 0) + "/s\n";
    arrivals_->report(report, begin);
    bench_.add_usage(
        report, before, after, arrivals_->received(), arrivals_->received(), "delivery");
    if (!trouble_.empty())
        report.text += "a connection was lost: " + trouble_ + '\n';
    return report;
}

void RetainRun::remove_messages() {
    for (std::size_t i = 0; i < settings_.subscribers; ++i)
        swarm_.close(swarm_[settings_.publishers + i]);
    if (!settings_.keep) {
        auto plan = settings_.plan;
        plan.size = 0;  // an empty payload removes what is retained
        publishers_ = std::make_unique<Publishers>(swarm_, plan, 0, settings_.publishers);
        (void)publish_all(swarm_, *publishers_, *this, bench_, Publishers::never);
    }
    for (std::size_t i = 0; i < settings_.publishers; ++i) swarm_.close(swarm_[i]);
}

BenchReport run_retain(const RetainSettings& settings, Bench& bench) {
    return RetainRun{settings, bench}.run();
}

}  // namespace keepmq::load
