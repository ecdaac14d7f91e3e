#include "load/bench_replay.hpp"

#include "load/pattern.hpp"
#include "model/topic.hpp"

namespace keepmq::load {

std::string ReplaySettings::check() {
    if (plan.qos == Qos::at_most_once)
        return "only messages of QoS 1 or 2 wait for a session";
    if (duration.count() == 0 && plan.limit == 0)
        plan.limit = 10'000;
    return {};
}

std::vector<Option> replay_options(ReplaySettings& settings) {
    std::vector<Option> options{
        count(
            "-c, --count, --sessions", settings.sessions, "subscribers that are away", 1, 100'000),
        text("--filter",
             "FILTER",
             settings.filter,
             "of the subscribers; %i: number of the subscriber"),
        flag("--stored",
             settings.stored,
             "they come back without a session, and a\ndatabase behind the broker has their "
             "messages"),
        count("--publishers", settings.publishers, "clients that publish", 1, 100'000),
    };
    for (auto& each : publish_options(settings.plan)) options.push_back(std::move(each));
    for (auto& each : {
             rate("--rate",
                  settings.plan.rate,
                  "messages/s of all publishers together;\nwithout: as fast as the windows allow"),
             count("-L, --limit, --messages",
                   settings.plan.limit,
                   "messages of all together; without it and\n--seconds: 10000",
                   1),
             seconds("--seconds", settings.duration, "of publishing; 0: until --limit is reached"),
             seconds("--timeout", settings.timeout, "without a message, after which it ends"),
         })
        options.push_back(each);
    return options;
}

ReplayRun::ReplayRun(const ReplaySettings& settings, Bench& bench)
    : settings_{settings}, bench_{bench}, swarm_{bench.login()} {
    for (std::uint64_t i = 0; i < settings.sessions; ++i) swarm_.add(bench.client_id("r", i));
    for (std::uint64_t i = 0; i < settings.publishers; ++i) swarm_.add(bench.client_id("p", i));
}

void ReplayRun::on_frame(Member& member, const Frame& frame, Micros now) {
    if (member.number >= settings_.sessions)
        publishers_->on_frame(member, frame, now);
    else if (arrivals_)
        arrivals_->on_frame(member, frame, now);
}

void ReplayRun::on_lost(Member& member, const std::string& why) {
    trouble_ = member.client_id + ": " + why;
}

void ReplayRun::leave() {
    for (std::uint64_t i = 0; i < settings_.sessions; ++i) swarm_.close(swarm_[i]);
}

std::string ReplayRun::forget_sessions() {
    for (std::uint64_t i = 0; i < settings_.sessions; ++i) {
        swarm_[i].clean_start = true;
        swarm_[i].subscription.reset();
    }
    auto problem = swarm_.join(0, settings_.sessions, *this);
    leave();
    return problem;
}

std::string ReplayRun::make_sessions() {
    if (auto problem = forget_sessions(); !problem.empty())
        return problem;
    for (std::uint64_t i = 0; i < settings_.sessions; ++i) {
        swarm_[i].clean_start = settings_.stored;
        swarm_[i].subscription = {numbered(settings_.filter, "%i", i), settings_.plan.qos};
    }
    auto problem = swarm_.join(0, settings_.sessions, *this);
    leave();
    if (!settings_.stored)
        for (std::uint64_t i = 0; i < settings_.sessions; ++i) swarm_[i].subscription.reset();
    return problem;
}

std::vector<Sequences> ReplayRun::expected() const {
    const auto sent = publishers_->numbers();
    std::vector<Sequences> out;
    for (std::uint64_t i = 0; i < settings_.sessions; ++i) {
        const auto subscribed = numbered(settings_.filter, "%i", i);
        auto own = sent;
        for (std::size_t each = 0; each < own.size(); ++each)
            if (!filter_matches(subscribed, publishers_->topic(each)))
                own[each] = 0;
        out.emplace_back(own);
    }
    return out;
}

BenchReport ReplayRun::run() {
    BenchReport report;
    if (report.error = make_sessions(); !report.error.empty())
        return report;
    if (report.error = swarm_.join(settings_.sessions, settings_.publishers, *this);
        !report.error.empty())
        return report;
    publishers_ = std::make_unique<Publishers>(
        swarm_, settings_.plan, settings_.sessions, settings_.publishers);
    const auto start = now_micros();
    const auto before = bench_.usage();
    const auto end =
        settings_.duration.count() > 0 ? start + to_micros(settings_.duration) : Publishers::never;
    const auto burst = publish_all(swarm_, *publishers_, *this, bench_, end);
    const auto published = bench_.usage();
    arrivals_ = std::make_unique<Arrivals>(swarm_, 0, expected(), start);
    const auto begin = now_micros();
    if (report.error = swarm_.join(0, settings_.sessions, *this); report.error.empty())
        arrivals_->wait(*this, bench_, to_micros(settings_.timeout));
    leave();
    const auto forgotten = forget_sessions();
    if (report.error.empty())
        report.error = forgotten;
    if (!report.error.empty())
        return report;
    report.figures.add("publishers", settings_.publishers)
        .add("sessions", settings_.sessions)
        .add("qos", static_cast<int>(settings_.plan.qos))
        .add("size", settings_.plan.size)
        .add("window", settings_.plan.window)
        .add("publish_seconds", burst.seconds)
        .add("published", publishers_->acknowledged())
        .add("accepted_per_second", per_second(burst.acknowledged, burst.seconds))
        .add("refused", publishers_->refused())
        .add("unanswered", burst.unanswered)
        .add("ack_latency_us", publishers_->latencies());
    report.text = "accepted " + grouped(burst.acknowledged) + " in " + rounded(burst.seconds, 2) +
                  " s, " + rounded(per_second(burst.acknowledged, burst.seconds), 0) +
                  "/s; refused " + grouped(publishers_->refused()) + ", not answered " +
                  grouped(burst.unanswered) + "\nlatency to the acknowledgement  " +
                  in_words(publishers_->latencies()) + '\n';
    arrivals_->report(report, begin);
    bench_.add_usage(report,
                     before,
                     published,
                     publishers_->sent(),
                     publishers_->acknowledged(),
                     "accepted message");
    if (!trouble_.empty())
        report.text += "a connection was lost: " + trouble_ + '\n';
    report.complete = report.complete && burst.unanswered == 0;
    return report;
}

BenchReport run_replay(const ReplaySettings& settings, Bench& bench) {
    return ReplayRun{settings, bench}.run();
}

}  // namespace keepmq::load
