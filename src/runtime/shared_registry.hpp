#pragma once
// The shared groups of a node: how many members each has on which shard, and which shard gets the
// next message. Any thread; one lock, which nobody takes while there is no shared group.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/limits.hpp"
#include "model/ids.hpp"

namespace keepmq::runtime {

class SharedRegistry {
  public:
    using Group = std::uint64_t;
    struct Choice {
        Group group = 0;
        std::size_t shard = 0;
    };

    SharedRegistry(std::size_t shards, std::uint64_t seed) : shards_{shards}, random_{seed} {}

    /// A group keeps its number as long as it has a member.
    [[nodiscard]] Group join(std::size_t shard,
                             std::string_view group,
                             std::string_view filter,
                             bool connected);
    void leave(std::size_t shard, Group group, bool connected);
    void connected(std::size_t shard, Group group, int change);

    [[nodiscard]] bool empty() const { return size_.load(std::memory_order_acquire) == 0; }
    /// One shard for each group that the topic matches: among those with connected members, each
    /// as often as it has some; if there is none, among those with members.
    void choose(std::string_view topic,
                std::string_view sender,
                broker::SharedStrategy strategy,
                std::vector<Choice>& into);
    /// The same for one group; nothing if it has no member.
    [[nodiscard]] std::optional<std::size_t> choose(Group group,
                                                    std::string_view sender,
                                                    broker::SharedStrategy strategy);

  private:
    struct Members {
        std::size_t all = 0;
        std::size_t connected = 0;
    };
    struct Entry {
        Group number = 0;
        std::string name;
        std::string filter;
        std::vector<Members> on;  ///< by shard
        std::size_t next = 0;
    };

    [[nodiscard]] std::size_t pick(Entry& entry,
                                   std::string_view sender,
                                   broker::SharedStrategy strategy);
    void erase(Entry& entry);

    const std::size_t shards_;
    std::atomic<std::size_t> size_{0};
    std::mutex mutex_;  // guards all below
    Group made_ = 0;
    std::unordered_map<Group, std::unique_ptr<Entry>> groups_;
    std::unordered_map<std::string, Entry*> by_name_;
    std::unordered_map<std::string, std::vector<Entry*>, NamedHash, NamedEqual> exact_;
    std::vector<Entry*> wildcards_;
    std::mt19937_64 random_;
};

}  // namespace keepmq::runtime
