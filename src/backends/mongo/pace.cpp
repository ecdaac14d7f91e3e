#include "backends/mongo/pace.hpp"

#include <algorithm>

namespace keepmq::mongo {
namespace {

/// Each document is work, and so is each KiB of it.
std::size_t cost_of(const Write& write) {
    constexpr std::size_t unit = 1024;
    return 1 + (write.filter.bson().size() + write.body.bson().size()) / unit;
}

std::size_t cost_of(std::span<const Write> writes) {
    std::size_t sum = 0;
    for (const auto& write : writes) sum += cost_of(write);
    return sum;
}

}  // namespace

std::size_t Pace::fit(std::span<const Write> writes) const {
    std::size_t count = 1;
    std::size_t cost = cost_of(writes.front());
    while (count < writes.size() && (cost += cost_of(writes[count])) <= limit_) ++count;
    return count;
}

void Pace::answered(std::span<const Write> writes, Duration took) {
    const auto cost = cost_of(writes);
    if (took > wanted_) {
        const auto managed =
            static_cast<double>(cost) * (wanted_ / std::chrono::duration<double>{took});
        limit_ = std::max<std::size_t>(1, static_cast<std::size_t>(managed));
    } else if (took < wanted_ / 2 && cost > limit_ / 2) {
        limit_ = std::min(2 * limit_, most);
    }
}

void Pace::timed_out(std::span<const Write> writes) {
    limit_ = std::max<std::size_t>(1, std::min(limit_, cost_of(writes)) / 4);
}

}  // namespace keepmq::mongo
