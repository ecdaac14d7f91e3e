#pragma once
// One subscriber of an audit.

#include "load/audit_judge.hpp"
#include "load/latencies.hpp"
#include "load/peer.hpp"

namespace keepmq::load {

/// Subscribes to all topics of the run with QoS 1 and a lasting session; subscribes again when the
/// broker forgot it. Plan and latencies outlive it.
class AuditReader final : public Peer {
  public:
    AuditReader(const AuditPlan& plan, std::size_t index, Latencies& latencies);

    /// The broker confirmed the subscription: from now on nothing may be missed.
    [[nodiscard]] bool is_subscribed() const { return subscribed_; }
    [[nodiscard]] const Tally& tally() const { return tally_; }
    [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }

  private:
    void on_connected(const mqtt::Connack& connack) override;
    void on_packet(const mqtt::Packet& packet) override;

    const AuditPlan& plan_;
    Latencies& latencies_;
    Tally tally_;
    bool subscribed_ = false;
    std::uint64_t deliveries_ = 0;
};

}  // namespace keepmq::load
