#pragma once
// What the shards of one node share: what each wants, the shared groups, the leases, the totals.
// Made before the shards and destroyed after them; any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/interest.hpp"
#include "runtime/shared_leases.hpp"
#include "runtime/shared_registry.hpp"

namespace keepmq::runtime {

class Exchange;

struct Siblings {
    /// Of one shard, for the limits that hold for the node. Written by that shard.
    struct alignas(64) Totals {
        std::atomic<std::uint64_t> connections{0};
        std::atomic<std::uint64_t> sessions{0};
        std::atomic<std::uint64_t> retained{0};
    };

    Siblings(std::size_t shards, std::uint64_t seed)
        : count{shards},
          exchanges(shards),
          all(shards),
          lasting(shards),
          groups{shards, seed},
          totals(shards) {}

    /// Home of a client, owner of a topic.
    [[nodiscard]] std::size_t shard_of(std::string_view name) const {
        return std::hash<std::string_view>{}(name) % count;
    }

    const std::size_t count;
    std::vector<Exchange*> exchanges;  ///< by shard; complete before the first thread starts
    std::vector<Interest> all;         ///< by shard, of subscriptions that are not shared
    std::vector<Interest> lasting;     ///< by shard, of sessions that survive a restart
    SharedRegistry groups;
    SharedLeases leases;
    std::vector<Totals> totals;
};

}  // namespace keepmq::runtime
