#pragma once
// Who had a QoS 2 message before a restart that came between its deliveries and the end of its
// exchange: when the publisher sends it again, it goes to the others only. Filled by
// Broker::restore, then read only. Shard-local.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/changes.hpp"
#include "model/message.hpp"

namespace keepmq::broker {

class Received {
  public:
    struct By {
        std::unordered_set<std::uint64_t> sessions;  ///< numbers in the journal
        std::vector<std::string> shares;             ///< shared subscriptions, as subscribed
    };

    void add(const ReceivedKept& kept) {
        auto& by = messages_[kept.message];
        if (kept.share.empty())
            by.sessions.insert(kept.session);
        else
            by.shares.push_back(kept.share);
    }
    /// Null, which is nearly always so: nobody had it.
    [[nodiscard]] const By* find(const Message& message) const {
        if (messages_.empty() || message.qos != Qos::exactly_once)
            return nullptr;
        const auto found = messages_.find(message.id);
        return found == messages_.end() ? nullptr : &found->second;
    }

  private:
    std::unordered_map<MessageId, By> messages_;
};

}  // namespace keepmq::broker
