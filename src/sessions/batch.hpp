#pragma once
// Changes that become one transaction, reduced to what is left of them: a message that was queued
// and acknowledged since the last commit costs nothing. Plain state of the store's thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "broker/changes.hpp"

namespace keepmq::sessions {

struct Batch {
    struct Delivery {
        std::optional<broker::DeliveryKept> made;  ///< in this batch; else it is in the file
        mqtt::PacketId sent = 0;
        bool released = false;
        bool gone = false;
    };
    struct Incoming {
        std::optional<broker::IncomingKept> kept;  ///< nothing: gone
        bool fresh = false;                        ///< not in the file
    };
    using OfSession = std::pair<std::uint64_t, std::string>;

    void add(broker::Change&& change);
    /// Rows that will be written, about.
    [[nodiscard]] std::size_t size() const;
    void clear() { *this = Batch{}; }

    std::size_t changes = 0;  ///< that it was made of
    std::unordered_map<std::uint64_t, broker::SessionKept> sessions;
    std::unordered_set<std::uint64_t> gone;  ///< sessions
    std::map<OfSession, std::optional<broker::SubscriptionKept>> subscriptions;
    std::unordered_map<std::uint64_t, Delivery> deliveries;
    std::map<std::pair<std::uint64_t, mqtt::PacketId>, Incoming> incoming;
    std::unordered_map<std::string, MessagePtr> retained;  ///< null: gone
    std::unordered_map<std::uint64_t, std::optional<broker::WillKept>> wills;
};

}  // namespace keepmq::sessions
