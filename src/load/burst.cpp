#include "load/burst.hpp"

#include <algorithm>
#include <limits>

namespace keepmq::load {
namespace {

constexpr Micros silence_limit = 10 * second;

}  // namespace

Burst publish_all(
    Swarm& swarm, Publishers& publishers, SwarmListener& listener, Bench& bench, Micros end) {
    Burst burst;
    const auto begin = now_micros();
    auto last = begin;
    std::uint64_t answers = 0;
    std::uint64_t shown = 0;
    bool publishing = true;
    publishers.begin(begin);
    for (auto now = begin; !Bench::is_stopped() && swarm.up() > 0; now = now_micros()) {
        if (const auto count = publishers.acknowledged() + publishers.refused(); count != answers) {
            answers = count;
            last = now;
        }
        const bool answered = publishers.open() == 0;
        if (publishing && (now >= end || (publishers.is_limit_reached() && answered))) {
            publishing = false;
            burst.seconds = static_cast<double>(now - begin) / 1e6;
            burst.acknowledged = publishers.acknowledged();
        }
        if ((!publishing && answered) || now - last > silence_limit)
            break;
        const auto next = publishing
                              ? publishers.fill(now, std::numeric_limits<std::uint64_t>::max())
                              : Publishers::never;
        bench.progress(now, [&] {
            const auto more = publishers.acknowledged() - shown;
            shown = publishers.acknowledged();
            return "published " + grouped(shown) + ", " + grouped(more) + "/s";
        });
        swarm.wait(std::min({next, publishing ? end : Publishers::never, now + second / 10}),
                   listener);
    }
    if (publishing) {  // the broker was silent, or somebody stopped it
        burst.seconds = static_cast<double>(now_micros() - begin) / 1e6;
        burst.acknowledged = publishers.acknowledged();
    }
    burst.unanswered = publishers.open();
    return burst;
}

}  // namespace keepmq::load
