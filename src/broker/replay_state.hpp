#pragma once
// The replay side of one session: its open fences and its read positions.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/fence.hpp"
#include "broker/timers.hpp"
#include "broker/tracker.hpp"
#include "model/ids.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

/// A SUBACK that waits until the writes of its entries are durable.
struct PendingSuback {
    ConnectionId connection{};
    mqtt::PacketId packet_id = 0;
    std::vector<mqtt::ReasonCode> reasons;
    std::vector<FenceId> fences;
    std::size_t waiting = 0;
    bool sent = false;
};

/// One entry of a SUBSCRIBE.
struct SubackEntry {
    std::shared_ptr<PendingSuback> suback;
    std::size_t index = 0;  ///< into its reasons
};

struct OpenFence {
    Fence fence;
    std::string as_subscribed;  ///< key of the subscription in the session
    /// None for a provisioned subscription; several when it was repeated before it was durable.
    std::vector<SubackEntry> subacks;
    bool shared = false;
    bool had_before = false;  ///< the subscription replaced one that was durable
    bool wants_retained = false;
    bool retained_sent = false;
    bool going_on = false;                  ///< GoOn is on its way
    std::vector<MessagePtr> retained_left;  ///< for the next portions, the next message last
    bool entries_counted = false;           ///< no longer among what the SUBACKs wait for
    bool fetching = false;                  ///< opened, and the plan has a fetch
    bool frozen = false;  ///< positions it covers stand still until its fetch is complete
    /// Fences that overlap and fetch first, so that a topic is read by one at a time: those of a
    /// topic of its own before those with wildcards, then as they were opened.
    std::vector<FenceId> behind;
    /// Topics of live messages with the RETAIN flag that came meanwhile: those are their retained
    /// messages.
    std::unordered_set<std::string> retained_live;
    SteadyTime deadline;  ///< for the answer that is under way
    Alarm alarm;

    [[nodiscard]] bool holds() const {
        return !shared && fence.state() != Fence::State::late &&
               fence.state() != Fence::State::done;
    }
};

struct TrackedTopic {
    Tracker tracker;
    FenceId refetched_by{};  ///< the fence whose fetch rewrites it, or 0; see Replay::owner
};

/// Identifiers of stored messages, the newest some thousand.
class RecentlySettled {
  public:
    void insert(MessageId id) {
        if (newer_.size() >= generation)
            older_ = std::exchange(newer_, {});
        newer_.insert(id);
    }
    [[nodiscard]] bool contains(MessageId id) const {
        return newer_.contains(id) || older_.contains(id);
    }
    void clear() {
        newer_.clear();
        older_.clear();
    }

  private:
    static constexpr std::size_t generation = 32'768;
    std::unordered_set<MessageId> newer_;
    std::unordered_set<MessageId> older_;
};

struct ReplayState {
    std::vector<std::unique_ptr<OpenFence>> fences;  ///< in the order of opening
    std::unordered_map<std::string, TrackedTopic, NamedHash, NamedEqual> topics;
    /// Stored messages settled while a fence is open: a page that was read before must not bring
    /// them again.
    RecentlySettled settled;
    /// Queued or in flight, and no tracker need know them: sent as the retained message, or their
    /// topic was unsubscribed since. A fetch leaves them out while they are under way.
    std::unordered_set<MessageId> under_way;
    /// Subscriptions whose fetch ended before all was read: a position below them starts at a hole.
    std::vector<std::pair<std::string, TopicFilter>> truncated;
    /// Numbers in the journal of what the fences hold; empty for a session that need not survive.
    std::unordered_map<MessageId, std::uint64_t> held;

    [[nodiscard]] bool empty() const {
        return fences.empty() && topics.empty() && truncated.empty() && under_way.empty() &&
               held.empty();
    }
};

}  // namespace keepmq::broker
