#pragma once
// QoS 2 messages that a crash could bring a second time: their publisher has a lasting session on
// some shard, and that one's journal does not say yet that they were routed. Until it does (or the
// exchange is over) the acknowledgements of clients here wait: a delivery that is still in flight
// is found after the crash, one that is over is not. Shard-local; empty in a node with one shard,
// where both are one transaction.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/message_id.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

class Repeatable {
  public:
    /// A delivery that the client has acknowledged meanwhile, see Sent::acknowledged.
    struct Waiting {
        std::uint64_t session = 0;  ///< key
        mqtt::PacketId packet_id = 0;
    };

    void begin(MessageId id) { messages_.try_emplace(id); }
    /// True if the message is repeatable: then `waiting` comes back from `end`.
    [[nodiscard]] bool defer(MessageId id, const Waiting& waiting) {
        if (messages_.empty())
            return false;
        const auto found = messages_.find(id);
        if (found == messages_.end())
            return false;
        found->second.push_back(waiting);
        return true;
    }
    [[nodiscard]] std::vector<Waiting> end(MessageId id) {
        const auto found = messages_.find(id);
        if (found == messages_.end())
            return {};
        auto waiting = std::move(found->second);
        messages_.erase(found);
        return waiting;
    }

  private:
    boost::unordered_flat_map<MessageId, std::vector<Waiting>, std::hash<MessageId>> messages_;
};

}  // namespace keepmq::broker
