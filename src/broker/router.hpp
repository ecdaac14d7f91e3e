#pragma once
// From one message to the sessions that want it. Shard-local.

#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "broker/session.hpp"
#include "broker/topic_tree.hpp"
#include "model/message.hpp"

namespace keepmq::broker {

struct Core;

/// What the subscriptions of one session say about one message, taken together.
struct Match {
    bool any = false;     ///< some subscription matches
    bool wanted = false;  ///< one of them without No Local, or the sender is somebody else
    bool retain_as_published = false;
    Qos qos = Qos::at_most_once;  ///< the highest granted [MQTT-3.3.4-2]
    std::vector<std::uint32_t> identifiers;

    void clear();
    void add(const Subscription& subscription, bool own_message);
};

class Router {
  public:
    explicit Router(Core& core) : core_{core} {}

    /// Which shared groups get the message: all that match, or those that were chosen among all
    /// shards; then `unplaced` is left with those that have no member here any more.
    struct Chosen {
        const std::vector<std::uint64_t>& groups;
        std::vector<std::uint64_t> unplaced = {};
        bool last = false;  ///< no other shard gets it
    };
    void route(const MessagePtr& message, Now now, Chosen* chosen = nullptr);

    /// A retained message is gone: it need not survive a restart any more.
    void forget_retained(const TopicName& topic);
    /// A retained message from before a restart.
    void restore(const MessagePtr& message, Now now);

    /// To one member of a shared group, unless one has it from before a restart.
    void place(SharedGroup& group, const MessagePtr& message, Now now);
    /// To one member of a shared group, if there is one.
    void deliver_shared(SharedGroup& group, const MessagePtr& message, Now now);
    /// To a session as its subscriptions say; a fence may hold it back.
    void deliver_live(Session& session, const Match& match, const MessagePtr& message, Now now);
    /// The ordinary subscriptions of the session against the message.
    void match(const Session& session, const Message& message, Match& out) const;

  private:
    struct Target {
        Session* session = nullptr;
        Match match;
    };

    void collect(const Subscriber& subscriber, const Message& message, bool groups_too);
    void place(const MessagePtr& message, Chosen& chosen, Now now);
    void keep_retained(const MessagePtr& message, Now now);
    /// Whether one more topic may have a retained message.
    [[nodiscard]] bool has_room(const TopicName& topic) const;
    [[nodiscard]] bool survives(const TopicName& topic) const;

    Core& core_;
    std::uint64_t mark_ = 0;
    std::vector<Target>
        targets_;  ///< reused: only the first `count_` belong to the present message
    std::size_t count_ = 0;
    std::vector<SharedGroup*> groups_;
};

}  // namespace keepmq::broker
