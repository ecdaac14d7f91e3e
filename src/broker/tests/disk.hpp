#pragma once
// What a session store would hold, without a file.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.hpp"

namespace keepmq::broker::testing {

class Disk {
  public:
    /// Takes what the broker has changed; it is not told. Returns how many changes that were.
    std::size_t write(Broker& broker);
    /// For Broker::restore.
    [[nodiscard]] std::vector<Change> content() const;
    [[nodiscard]] std::size_t rows() const;

  private:
    void apply(Change& change);

    std::map<std::uint64_t, SessionKept> sessions_;
    std::map<std::pair<std::uint64_t, std::string>, SubscriptionKept> subscriptions_;
    std::map<std::uint64_t, DeliveryKept> deliveries_;
    std::map<std::pair<std::uint64_t, mqtt::PacketId>, IncomingKept> incoming_;
    std::set<ReceivedKept> received_;
    std::map<std::string, RetainedKept> retained_;
    std::map<std::uint64_t, WillKept> wills_;
};

}  // namespace keepmq::broker::testing
