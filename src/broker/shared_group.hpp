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

    SharedGroup(std::uint64_t key, TopicFilter filter) : key_{key}, filter_{std::move(filter)} {}

    void add(const Member& member);
    void remove(const Session& session);
    [[nodiscard]] bool empty() const { return members_.empty(); }
    [[nodiscard]] std::uint64_t key() const { return key_; }
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

    std::uint64_t key_;
    TopicFilter filter_;
    std::vector<Member> members_;
    std::size_t next_ = 0;
};

/// All groups, by `<group>/<filter>` and by a key that outlives them.
class SharedGroups {
  public:
    /// The group; made when it is not there, with the key `number` if that is not 0. `created` says
    /// which.
    SharedGroup& find_or_create(std::string_view group,
                                const TopicFilter& filter,
                                std::uint64_t number,
                                bool& created);
    [[nodiscard]] SharedGroup* find(std::uint64_t key);
    [[nodiscard]] SharedGroup* find(std::string_view group, std::string_view filter);
    void erase(std::uint64_t key);

  private:
    struct Entry {
        std::string name;
        std::unique_ptr<SharedGroup> group;
    };
    std::unordered_map<std::uint64_t, Entry> groups_;
    std::unordered_map<std::string, std::uint64_t> by_name_;
    std::uint64_t made_ = 0;
};

}  // namespace keepmq::broker
