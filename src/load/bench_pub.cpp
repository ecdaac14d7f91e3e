#include "load/bench_pub.hpp"

#include <algorithm>
#include <limits>

#include "load/pattern.hpp"

namespace keepmq::load {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
/// Nothing came for so long: nothing comes any more.
constexpr Micros dropped_after = second;
constexpr Micros stalled_after = 10 * second;

}  // namespace

std::string PubSettings::check() {
    if (interval > 0 && plan.rate > 0)
        return "--rate and --interval_of_msg exclude each other";
    if (interval > 0)
        plan.rate = static_cast<double>(publishers) * 1000 / interval;
    if (publishers + subscribers == 0)
        return "nothing to do: no publishers and no subscribers";
    if (duration.count() == 0 && plan.limit == 0)
        duration = std::chrono::seconds{5};
    return {};
}

std::vector<Option> publish_options(PublishPlan& plan) {
    return {
        text("-t, --topic", "TOPIC", plan.topic, "%i: number of the publisher, %n: of the message"),
        qos_option(plan.qos, "of messages and subscriptions"),
        count("-s, --size", plan.size, "bytes of payload", Stamp::size, 268'435'000),
        count("-F, --inflight, --window",
              plan.window,
              "messages of a publisher that are not\nacknowledged (QoS 0: received) yet",
              1,
              65'535),
    };
}

std::vector<Option> pub_options(PubSettings& settings) {
    std::vector<Option> options{
        count(
            "-c, --count, --publishers", settings.publishers, "clients that publish", 0, 1'000'000),
        count(
            "--subscribers", settings.subscribers, "clients that subscribe; 0: none", 0, 1'000'000),
        text("--filter",
             "FILTER",
             settings.filter,
             "of the subscribers; %i: number of the subscriber"),
    };
    for (auto& each : publish_options(settings.plan)) options.push_back(std::move(each));
    for (auto& each : {
             flag("-r, --retain", settings.plan.retain, "retained messages"),
             rate("--rate",
                  settings.plan.rate,
                  "messages/s of all publishers together;\nwithout: as fast as the windows allow"),
             rate("-I, --interval_of_msg",
                  settings.interval,
                  "the same as ms between the messages of a\npublisher"),
             count("-L, --limit",
                   settings.plan.limit,
                   "messages of all together, then it ends;\n0: no limit",
                   0),
             seconds("--seconds",
                     settings.duration,
                     "that are measured; without: 5, or until\n--limit is reached"),
             seconds("--warm-up", settings.warm_up, "before they begin"),
             seconds("--finish", settings.finish, "to wait at the end for what is under way"),
         })
        options.push_back(each);
    return options;
}

std::vector<Option> sub_options(SubSettings& settings) {
    return {
        count("-c, --count, --subscribers",
              settings.subscribers,
              "clients that subscribe",
              1,
              1'000'000),
        text("-t, --topic, --filter", "FILTER", settings.filter, "%i: number of the subscriber"),
        qos_option(settings.plan.qos, "of the subscriptions"),
        count("-L, --limit",
              settings.plan.limit,
              "messages of all together, then it ends;\n0: no limit",
              0),
        seconds("--seconds", settings.duration, "after which it ends"),
    };
}

PubRun::PubRun(const PubSettings& settings, Bench& bench)
    : settings_{settings},
      bench_{bench},
      swarm_{bench.login()},
      subscribers_{swarm_, now_micros()} {}

std::string PubRun::connect() {
    std::vector<std::string> topics;
    std::vector<std::string> filters;
    for (std::uint64_t i = 0; i < settings_.subscribers; ++i) {
        filters.push_back(numbered(settings_.filter, "%i", i));
        swarm_.add(bench_.client_id("s", i), Subscription{filters.back(), settings_.plan.qos});
    }
    for (std::uint64_t i = 0; i < settings_.publishers; ++i) swarm_.add(bench_.client_id("p", i));
    if (auto problem = swarm_.join(0, swarm_.size(), *this); !problem.empty())
        return problem;
    publishers_ = std::make_unique<Publishers>(
        swarm_, settings_.plan, settings_.subscribers, settings_.publishers);
    for (std::uint64_t i = 0; i < settings_.publishers; ++i)
        topics.push_back(publishers_->topic(i));
    auto copies = copies_of(topics, filters);
    for (const auto each : copies) window_deliveries_ += each * settings_.plan.window;
    publishers_->set_copies(std::move(copies));
    return {};
}

void PubRun::on_frame(Member& member, const Frame& frame, Micros now) {
    if (member.subscription)
        subscribers_.on_frame(member, frame, now);
    else
        publishers_->on_frame(member, frame, now);
}

void PubRun::on_lost(Member& member, const std::string& why) {
    ++disconnects_;
    trouble_ = member.client_id + ": " + why;
}

PubRun::Counts PubRun::counts() const {
    return {publishers_->acknowledged(),
            subscribers_.received(),
            publishers_->refused(),
            publishers_->sent()};
}

std::uint64_t PubRun::outstanding() const {
    const auto came = subscribers_.received() + lost_;
    const auto expected = publishers_->expected_deliveries();
    return expected > came ? expected - came : 0;
}

/// A broker that falls behind is not to pile up messages: that would be another measurement.
std::uint64_t PubRun::deliveries_allowed() const {
    if (window_deliveries_ == 0 || settings_.plan.rate > 0)
        return no_limit;
    const auto open = outstanding();
    return window_deliveries_ > open ? window_deliveries_ - open : 0;
}

bool PubRun::is_limit_reached() const {
    if (settings_.publishers == 0)
        return settings_.plan.limit > 0 && subscribers_.received() >= settings_.plan.limit;
    return publishers_->is_limit_reached();
}

bool PubRun::is_all_answered() const {
    return publishers_->open() == 0 && outstanding() == 0;
}

void PubRun::forgive(Micros now) {
    const auto answers = subscribers_.received() + publishers_->acknowledged();
    if (answers != answers_ || last_answer_ == 0) {
        answers_ = answers;
        last_answer_ = now;
    } else if (publishers_->is_held_up() && now - last_answer_ > dropped_after) {
        lost_ += outstanding();
    }
}

void PubRun::publish_until(Micros end) {
    publishers_->begin(now_micros());
    for (auto now = now_micros(); now < end && !Bench::is_stopped() && swarm_.up() > 0;
         now = now_micros()) {
        if (is_limit_reached() && (is_all_answered() || now - last_answer_ > stalled_after))
            break;
        const auto next = publishers_->fill(now, deliveries_allowed());
        forgive(now);
        bench_.progress(now, [this] { return progress_line(); });
        swarm_.wait(std::min({next, end, now + second / 10}), *this);
    }
}

/// What is under way has a latency, too: without it the slowest would be missing.
void PubRun::finish() {
    const auto end = now_micros() + to_micros(settings_.finish);
    for (auto now = now_micros(); now < end && !is_all_answered() && swarm_.up() > 0;
         now = now_micros()) {
        forgive(now);
        if (publishers_->open() == 0 && now - last_answer_ > dropped_after)
            return;
        swarm_.wait(std::min(end, now + second / 10), *this);
    }
}

std::string PubRun::progress_line() {
    const auto now = counts();
    std::string line;
    if (settings_.publishers > 0)
        line += "published " + grouped(now.published - std::min(now.published, shown_.published)) +
                "/s";
    if (settings_.subscribers > 0)
        line += (line.empty() ? "received " : ", received ") +
                grouped(now.received - std::min(now.received, shown_.received)) + "/s";
    if (now.refused + disconnects_ > 0)
        line += ", refused " + grouped(now.refused) + ", connections lost " + grouped(disconnects_);
    shown_ = now;
    auto& latencies =
        settings_.subscribers > 0 ? subscribers_.latencies() : publishers_->latencies();
    return line + ", latency so far " + in_words(latencies);
}

BenchReport PubRun::run() {
    BenchReport failed;
    if (failed.error = connect(); !failed.error.empty())
        return failed;
    if (settings_.warm_up.count() > 0)
        publish_until(now_micros() + to_micros(settings_.warm_up));
    const auto first = counts();
    subscribers_.latencies() = {};
    publishers_->latencies() = {};
    const auto before = bench_.usage();
    const auto begin = now_micros();
    const auto span = to_micros(settings_.duration);
    publish_until(span > 0 ? begin + span : Publishers::never);
    const auto end = now_micros();
    const auto after = bench_.usage();
    const auto last = counts();
    behind_ = publishers_->behind(end);
    finish();
    const Counts counted{last.published - first.published,
                         last.received - first.received,
                         last.refused - first.refused,
                         last.sent - first.sent};
    for (std::size_t i = 0; i < swarm_.size(); ++i) swarm_.close(swarm_[i]);
    return report(counted, static_cast<double>(end - begin) / 1e6, before, after);
}

BenchReport PubRun::report(const Counts& counted,
                           double span,
                           const Usage& before,
                           const Usage& after) {
    BenchReport report;
    const auto lost = lost_ + outstanding();
    const bool delivers = settings_.subscribers > 0;
    report.figures.add("publishers", settings_.publishers)
        .add("subscribers", settings_.subscribers)
        .add("qos", static_cast<int>(settings_.plan.qos))
        .add("size", settings_.plan.size)
        .add("window", settings_.plan.window)
        .add("rate", settings_.plan.rate)
        .add("seconds", span)
        .add("sent", counted.sent)
        .add("published", counted.published)
        .add("received", counted.received)
        .add("published_per_second", per_second(counted.published, span))
        .add("received_per_second", per_second(counted.received, span))
        .add("refused", counted.refused)
        .add("stale", subscribers_.stale())
        .add("lost", lost)
        .add("unanswered", publishers_->open())
        .add("behind", behind_)
        .add("disconnects", disconnects_)
        .add("latency_us", delivers ? subscribers_.latencies() : publishers_->latencies())
        .add("ack_latency_us", publishers_->latencies());
    auto& text = report.text;
    if (settings_.publishers > 0)
        text += "published " + grouped(counted.published) + " in " + rounded(span, 2) + " s, " +
                rounded(per_second(counted.published, span), 0) + "/s; refused " +
                grouped(counted.refused) + ", not answered " + grouped(publishers_->open()) + '\n';
    if (delivers)
        text += "received  " + grouped(counted.received) + ", " +
                rounded(per_second(counted.received, span), 0) + "/s; lost " + grouped(lost) +
                '\n' + "latency to the subscriber       " + in_words(subscribers_.latencies()) +
                '\n';
    if (settings_.publishers > 0 && settings_.plan.qos != Qos::at_most_once)
        text += "latency to the acknowledgement  " + in_words(publishers_->latencies()) + '\n';
    if (subscribers_.stale() > 0)
        text += "messages of earlier runs: " + grouped(subscribers_.stale()) + '\n';
    if (behind_ > 0)
        text += "behind the pace at the end: " + grouped(behind_) + " messages\n";
    if (disconnects_ > 0)
        text += "connections lost: " + grouped(disconnects_) + ", the last was " + trouble_ + '\n';
    const auto units = delivers ? counted.received : counted.published;
    bench_.add_usage(report,
                     before,
                     after,
                     counted.sent + counted.received,
                     units,
                     delivers ? "delivery" : "message");
    return report;
}

BenchReport run_pub(const PubSettings& settings, Bench& bench) {
    return PubRun{settings, bench}.run();
}

BenchReport run_sub(const SubSettings& settings, Bench& bench) {
    return PubRun{settings, bench}.run();
}

}  // namespace keepmq::load
