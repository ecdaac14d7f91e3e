#pragma once
// What the subscriptions of one shard may match, for the other shards to look at without a lock.
//
// Counters by hash: filters without wildcards by the whole filter, filters that begin with a
// wildcard all together, the others by their first level. It may say yes for nothing, never no for
// something. The shard that it describes writes; any thread reads.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace keepmq::runtime {

class Interest {
  public:
    void add(std::string_view filter) { count(filter).fetch_add(1); }
    void remove(std::string_view filter) { count(filter).fetch_sub(1); }

    [[nodiscard]] bool may_match(std::string_view topic) const;

  private:
    using Count = std::atomic<std::uint32_t>;
    static constexpr std::size_t exact_places = 1UL << 16U;
    static constexpr std::size_t level_places = 1UL << 12U;

    [[nodiscard]] Count& count(std::string_view filter);

    std::unique_ptr<std::array<Count, exact_places>> exact_ =
        std::make_unique<std::array<Count, exact_places>>();
    std::unique_ptr<std::array<Count, level_places>> first_level_ =
        std::make_unique<std::array<Count, level_places>>();
    Count any_{0};
};

}  // namespace keepmq::runtime
