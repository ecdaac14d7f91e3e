#pragma once
// The members of one shared subscription `$share/<group>/<filter>` [MQTT 5.0, 4.8.2]. Shard-local.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/limits.hpp"
#include "broker/slot_map.hpp"
#include "model/ids.hpp"

namespace keepmq::broker {

class Session;
struct Subscription;

class SharedGroup {
  public:
    struct Member {
        Session* session = nullptr;
        Subscription* subscription = nullptr;
    };

    explicit SharedGroup(TopicFilter filter) : filter_{std::move(filter)} {}

    void add(const Member& member);
    void remove(const Session& session);
    [[nodiscard]] bool empty() const { return members_.empty(); }
    [[nodiscard]] const TopicFilter& filter() const { return filter_; }

    /// One member for a message of `sender`, a connected one if there is any; null members for an
    /// empty group.
    [[nodiscard]] Member pick(SharedStrategy strategy,
                              std::string_view sender,
                              std::mt19937_64& random);

  private:
    [[nodiscard]] std::size_t start(SharedStrategy strategy,
                                    std::string_view sender,
                                    std::mt19937_64& random);

    TopicFilter filter_;
    std::vector<Member> members_;
    std::size_t next_ = 0;
};

/// All groups, by `<group>/<filter>` and by a key that outlives them.
class SharedGroups {
  public:
    /// Key of the group; made when it is not there. `created` says which.
    std::uint64_t find_or_create(std::string_view group, const TopicFilter& filter, bool& created);
    [[nodiscard]] SharedGroup* find(std::uint64_t key);
    void erase(std::uint64_t key);

  private:
    struct Named {
        std::string name;
        std::unique_ptr<SharedGroup> group;
    };
    SlotMap<Named> groups_;
    std::unordered_map<std::string, std::uint64_t> by_name_;
};

}  // namespace keepmq::broker
