#include "load/arrivals.hpp"

#include <algorithm>

namespace keepmq::load {

Arrivals::Arrivals(Swarm& swarm, std::size_t first, std::vector<Sequences> expected, Micros since)
    : swarm_{swarm},
      first_{first},
      expected_{std::move(expected)},
      subscribers_{swarm, since, [this](Member& member, const Stamp& stamp) {
                       auto& sequences = expected_[member.number - first_];
                       const auto before = sequences.missing();
                       sequences.came(stamp);
                       if (sequences.missing() == before)
                           return;
                       complete_ += before == 1 ? 1 : 0;
                       if (first_came_ == 0)
                           first_came_ = now_;
                       last_came_ = now_;
                   }} {
    complete_ = static_cast<std::size_t>(std::ranges::count_if(
        expected_, [](const Sequences& each) { return each.missing() == 0; }));
}

void Arrivals::wait(SwarmListener& listener, Bench& bench, Micros patience) {
    auto last = now_micros();
    std::uint64_t seen = 0;
    std::uint64_t shown = 0;
    for (auto now = last; !is_complete() && !Bench::is_stopped() && swarm_.up() > 0;
         now = now_micros()) {
        if (subscribers_.received() != seen) {
            seen = subscribers_.received();
            last = now;
        }
        if (now - last > patience)
            return;
        bench.progress(now, [&] {
            const auto more = subscribers_.received() - shown;
            shown = subscribers_.received();
            return "received " + grouped(shown) + ", " + grouped(more) + "/s";
        });
        swarm_.wait(now + second / 10, listener);
    }
}

void Arrivals::report(BenchReport& report, Micros begin) const {
    std::uint64_t expected = 0;
    std::uint64_t missing = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t out_of_order = 0;
    for (const auto& each : expected_) {
        expected += each.expected();
        missing += each.missing();
        duplicates += each.duplicates();
        out_of_order += each.out_of_order();
    }
    const auto since = [&](Micros time) {
        return time == 0 ? 0 : static_cast<double>(time - begin) / 1e6;
    };
    const auto came = expected - missing;
    report.figures.add("expected", expected)
        .add("received", subscribers_.received())
        .add("missing", missing)
        .add("duplicates", duplicates)
        .add("out_of_order", out_of_order)
        .add("first_seconds", since(first_came_))
        .add("all_seconds", since(last_came_))
        .add("received_per_second", per_second(came, since(last_came_)));
    report.text += "received " + grouped(came) + " of " + grouped(expected) + " in " +
                   rounded(since(last_came_), 3) + " s, " +
                   rounded(per_second(came, since(last_came_)), 0) + "/s; the first after " +
                   rounded(since(first_came_) * 1000, 2) + " ms\n" + "missing " + grouped(missing) +
                   ", duplicate " + grouped(duplicates) + ", out of order " +
                   grouped(out_of_order) + '\n';
    report.complete = report.complete && missing == 0;
}

}  // namespace keepmq::load
