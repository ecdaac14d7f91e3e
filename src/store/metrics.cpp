#include "store/metrics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace keepmq::store {

void Histogram::record(std::uint64_t value, std::uint64_t times) {
    const auto bucket =
        std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(value)), buckets - 1);
    counts_[bucket].fetch_add(times, std::memory_order_relaxed);
    sum_.fetch_add(value * times, std::memory_order_relaxed);
}

std::uint64_t Histogram::quantile(double q) const {
    const std::uint64_t total = count();
    if (total == 0)
        return 0;
    const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(total));
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        seen += counts_[bucket].load(std::memory_order_relaxed);
        if (seen >= rank)
            return std::uint64_t{1} << bucket;
    }
    return std::uint64_t{1} << (buckets - 1);
}

std::uint64_t Histogram::count() const {
    std::uint64_t total = 0;
    for (const Counter& counter : counts_) total += counter.load(std::memory_order_relaxed);
    return total;
}

}  // namespace keepmq::store
