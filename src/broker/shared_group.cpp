#include "broker/shared_group.hpp"

#include <algorithm>
#include <functional>

#include "broker/session.hpp"

namespace keepmq::broker {

void SharedGroup::add(const Member& member) {
    members_.push_back(member);
}

void SharedGroup::remove(const Session& session) {
    const auto found = std::ranges::find(members_, &session, &Member::session);
    if (found == members_.end())
        return;
    const auto index = static_cast<std::size_t>(found - members_.begin());
    members_.erase(found);
    if (index < next_)
        --next_;
}

SharedGroup::Member SharedGroup::pick(SharedStrategy strategy,
                                      std::string_view sender,
                                      std::mt19937_64& random) {
    if (members_.empty())
        return {};
    const auto first = start(strategy, sender, random);
    std::size_t chosen = first;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto index = (first + i) % members_.size();
        if (members_[index].session->connection) {
            chosen = index;
            break;
        }
    }
    if (strategy == SharedStrategy::round_robin)
        next_ = chosen + 1;
    else if (strategy == SharedStrategy::sticky)
        next_ = chosen;
    return members_[chosen];
}

std::size_t SharedGroup::start(SharedStrategy strategy,
                               std::string_view sender,
                               std::mt19937_64& random) {
    const auto count = members_.size();
    switch (strategy) {
        case SharedStrategy::random:
            return std::uniform_int_distribution<std::size_t>{0, count - 1}(random);
        case SharedStrategy::hash:
            return std::hash<std::string_view>{}(sender) % count;
        case SharedStrategy::round_robin:
        case SharedStrategy::sticky:
            break;
    }
    return next_ % count;
}

SharedGroup& SharedGroups::find_or_create(std::string_view group,
                                          const TopicFilter& filter,
                                          std::uint64_t number,
                                          bool& created) {
    std::string name{group};
    name.append("/").append(filter.view());
    const auto found = by_name_.find(name);
    created = found == by_name_.end();
    if (!created)
        return *groups_.at(found->second).group;
    const auto key = number != 0 ? number : ++made_;
    auto& entry = groups_[key];
    entry = {name, std::make_unique<SharedGroup>(key, filter)};
    by_name_.emplace(std::move(name), key);
    return *entry.group;
}

SharedGroup* SharedGroups::find(std::uint64_t key) {
    const auto found = groups_.find(key);
    return found == groups_.end() ? nullptr : found->second.group.get();
}

SharedGroup* SharedGroups::find(std::string_view group, std::string_view filter) {
    const auto found = by_name_.find(std::string{group}.append("/").append(filter));
    return found == by_name_.end() ? nullptr : find(found->second);
}

void SharedGroups::erase(std::uint64_t key) {
    const auto found = groups_.find(key);
    if (found == groups_.end())
        return;
    by_name_.erase(found->second.name);
    groups_.erase(found);
}

}  // namespace keepmq::broker
