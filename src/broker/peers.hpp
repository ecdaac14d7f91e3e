#pragma once
// The other shards of the node, as far as the broker of one shard must know of them. A broker that
// is alone has none. Called on the broker's thread; whoever implements it talks to other threads.

#include <cstdint>
#include <string_view>

#include "model/message.hpp"

namespace keepmq::broker {

class Peers {
  public:
    /// Open connections, sessions and retained messages of all other shards; a moment old.
    struct Totals {
        std::uint64_t connections = 0;
        std::uint64_t sessions = 0;
        std::uint64_t retained = 0;
    };

    virtual ~Peers() = default;

    /// The message gets its identity from another shard, which orders its topic.
    [[nodiscard]] virtual bool is_elsewhere(const Message& message) = 0;
    /// This shard keeps the retained message of the topic.
    [[nodiscard]] virtual bool owns(std::string_view topic) const = 0;
    /// The session of the client lives on this shard.
    [[nodiscard]] virtual bool is_home(std::string_view client) const = 0;
    [[nodiscard]] virtual Totals others() const = 0;

    /// Subscriptions that are not shared, and those of sessions that survive a restart, also shared
    /// ones: many are both.
    enum class Of : std::uint8_t { any, lasting };
    /// One more subscription has the filter; nothing about it was said to anybody yet.
    virtual void wants(Of whom, std::string_view filter) = 0;
    virtual void wants_no_more(Of whom, std::string_view filter) = 0;

    /// A member of `<group>/<filter>`. The number is the group's in the whole node, and its own as
    /// long as it has a member there.
    [[nodiscard]] virtual std::uint64_t joined(std::string_view group,
                                               std::string_view filter,
                                               bool connected) = 0;
    virtual void left(std::uint64_t group, bool connected) = 0;
    virtual void member_connected(std::uint64_t group) = 0;
    virtual void member_disconnected(std::uint64_t group) = 0;
};

}  // namespace keepmq::broker
