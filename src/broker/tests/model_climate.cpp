// What one run is like.

#include <fmt/format.h>

#include "broker/tests/model_world.hpp"

namespace keepmq::broker::model {

Climate::Climate(Random& random) {
    const auto often = [&](unsigned percent) { return model::chance(random, percent); };
    mode = often(25) ? ReplayPlan::Mode::queue : ReplayPlan::Mode::after_cursor;
    from_latest = often(50);
    // With `latest`, a first subscription of a topic would start behind what a wildcard promised.
    overlapping_filters = !from_latest && often(50);
    unsubscribe_deletes = !overlapping_filters && often(50);
    after_commit = often(20);
    deadlines = often(25);
    short_queues = often(25);
    short_fences = often(40);
    refusals = often(15);
    restarts = mode != ReplayPlan::Mode::queue && often(15);
    qos0_subscribers = often(20);
    if (often(20))
        max_returned_count = 2 + below(random, 6);
}

std::string Climate::describe() const {
    return fmt::format(
        "mode={} latest={} overlapping={} unsubscribe_deletes={} after_commit={} deadlines={} "
        "short_queues={} "
        "short_fences={} refusals={} restarts={} qos0={} max_returned={}",
        mode == ReplayPlan::Mode::queue ? "queue" : "after_cursor",
        from_latest,
        overlapping_filters,
        unsubscribe_deletes,
        after_commit,
        deadlines,
        short_queues,
        short_fences,
        refusals,
        restarts,
        qos0_subscribers,
        max_returned_count.value_or(0));
}

}  // namespace keepmq::broker::model
