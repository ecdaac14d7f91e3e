#pragma once
// Changes that become one transaction, reduced to what is left of them: a message that was queued
// and acknowledged since the last commit costs nothing. Plain state of the store's thread.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/changes.hpp"
#include "sessions/segment.hpp"

namespace keepmq::sessions {

struct Batch {
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
    std::vector<broker::DeliveryKept> deliveries;  ///< made in this batch; number 0: gone again
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> made;  ///< number to index of those
    boost::unordered_flat_map<std::uint64_t, Mark> marks;          ///< of those in the file
    std::map<std::pair<std::uint64_t, mqtt::PacketId>, Incoming> incoming;
    std::vector<broker::ReceivedKept> received;
    std::unordered_map<std::string, MessagePtr> retained;  ///< null: gone
    std::unordered_map<std::uint64_t, std::optional<broker::WillKept>> wills;

  private:
    /// Null: the delivery is in the file.
    [[nodiscard]] broker::DeliveryKept* find_made(std::uint64_t number);
};

}  // namespace keepmq::sessions
