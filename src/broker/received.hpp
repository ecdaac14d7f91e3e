#pragma once
// Who has the QoS 2 messages whose exchanges a restart interrupted between the deliveries and their
// end: when the publisher sends one again, it goes to the others only. They may have it from before
// the restart, or since, by a replay of what the rules stored. Begun by Broker::restore.
// Shard-local; each shard knows all interrupted messages.

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/message.hpp"

namespace keepmq::broker {

class Received {
  public:
    struct By {
        std::unordered_set<std::uint64_t> sessions;  ///< keys
        std::vector<std::string> shares;             ///< shared subscriptions, as subscribed
    };

    /// The message was interrupted.
    By& expect(MessageId id) {
        newest_ = std::max(newest_, id);
        return messages_[id];
    }
    /// Null, which is nearly always so: the message was not interrupted.
    [[nodiscard]] By* find(const Message& message) {
        if (message.id > newest_ || messages_.empty())
            return nullptr;
        const auto found = messages_.find(message.id);
        return found == messages_.end() ? nullptr : &found->second;
    }

    /// The exchange is over, or will not be routed again.
    void end(MessageId id) {
        if (!messages_.empty())
            messages_.erase(id);
    }
    void end_session(std::uint64_t key) {
        for (auto& [id, by] : messages_) by.sessions.erase(key);
    }

  private:
    std::unordered_map<MessageId, By> messages_;
    MessageId newest_;
};

}  // namespace keepmq::broker
