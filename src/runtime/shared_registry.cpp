#include "runtime/shared_registry.hpp"

#include <algorithm>
#include <functional>

#include "model/topic.hpp"

namespace keepmq::runtime {

using broker::SharedStrategy;

SharedRegistry::Group SharedRegistry::join(std::size_t shard,
                                           std::string_view group,
                                           std::string_view filter,
                                           bool connected) {
    std::string name{group};
    name.append("/").append(filter);
    const std::lock_guard lock{mutex_};
    auto& found = by_name_[name];
    if (found == nullptr) {
        auto made = std::make_unique<Entry>();
        found = made.get();
        *found = {++made_, std::move(name), std::string{filter}, std::vector<Members>(shards_), 0};
        if (has_wildcard(filter))
            wildcards_.push_back(found);
        else
            exact_[found->filter].push_back(found);
        groups_.emplace(found->number, std::move(made));
        size_.fetch_add(1);
    }
    auto& members = found->on[shard];
    ++members.all;
    members.connected += connected ? 1 : 0;
    return found->number;
}

void SharedRegistry::leave(std::size_t shard, Group group, bool connected) {
    const std::lock_guard lock{mutex_};
    const auto found = groups_.find(group);
    if (found == groups_.end())
        return;
    auto& members = found->second->on[shard];
    --members.all;
    members.connected -= connected ? 1 : 0;
    if (std::ranges::all_of(found->second->on, [](const Members& each) { return each.all == 0; }))
        erase(*found->second);
}

void SharedRegistry::connected(std::size_t shard, Group group, int change) {
    const std::lock_guard lock{mutex_};
    if (const auto found = groups_.find(group); found != groups_.end())
        found->second->on[shard].connected += static_cast<std::size_t>(change);
}

void SharedRegistry::erase(Entry& entry) {
    if (has_wildcard(entry.filter)) {
        std::erase(wildcards_, &entry);
    } else {
        const auto found = exact_.find(entry.filter);
        std::erase(found->second, &entry);
        if (found->second.empty())
            exact_.erase(found);
    }
    by_name_.erase(entry.name);
    groups_.erase(entry.number);
    size_.fetch_sub(1);
}

void SharedRegistry::choose(std::string_view topic,
                            std::string_view sender,
                            SharedStrategy strategy,
                            std::vector<Choice>& into) {
    const std::lock_guard lock{mutex_};
    const auto take = [&](Entry& entry) {
        into.push_back({entry.number, pick(entry, sender, strategy)});
    };
    if (const auto found = exact_.find(topic); found != exact_.end())
        for (auto* entry : found->second) take(*entry);
    for (auto* entry : wildcards_)
        if (filter_matches(entry->filter, topic))
            take(*entry);
}

std::optional<std::size_t> SharedRegistry::choose(Group group,
                                                  std::string_view sender,
                                                  SharedStrategy strategy) {
    const std::lock_guard lock{mutex_};
    const auto found = groups_.find(group);
    if (found == groups_.end())
        return std::nullopt;
    return pick(*found->second, sender, strategy);
}

/// Precondition: it has a member, as each entry has.
std::size_t SharedRegistry::pick(Entry& entry, std::string_view sender, SharedStrategy strategy) {
    const bool any = std::ranges::any_of(
        entry.on, [](const Members& members) { return members.connected != 0; });
    const auto weight = [&](std::size_t shard) {
        return any ? entry.on[shard].connected : entry.on[shard].all;
    };
    if (strategy == SharedStrategy::sticky) {
        while (weight(entry.next % shards_) == 0) ++entry.next;
        return entry.next % shards_;
    }
    std::size_t total = 0;
    for (std::size_t shard = 0; shard < shards_; ++shard) total += weight(shard);
    std::size_t place = entry.next++;
    if (strategy == SharedStrategy::random)
        place = static_cast<std::size_t>(random_());
    else if (strategy == SharedStrategy::hash)
        place = std::hash<std::string_view>{}(sender);
    place %= total;
    std::size_t shard = 0;
    for (; place >= weight(shard); ++shard) place -= weight(shard);
    return shard;
}

}  // namespace keepmq::runtime
