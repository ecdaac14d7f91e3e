#pragma once
// One publisher of an audit.

#include <cstdint>
#include <deque>
#include <functional>

#include "load/audit_ledger.hpp"
#include "load/latencies.hpp"
#include "load/peer.hpp"

namespace keepmq::load {

[[nodiscard]] std::int64_t steady_micros();

/// Sends what is open again when the connection is lost, in the same order and with the same
/// Packet Identifiers [MQTT-4.4.0-1]; when the broker forgot the session, as new messages. Writes
/// down each send before it leaves and each acknowledgement when it came. Ledger, plan and
/// latencies outlive it.
class Producer final : public Peer {
  public:
    Producer(const AuditPlan& plan, std::size_t index, Ledger& ledger, Latencies& latencies);

    /// Connected, and the window has room for another message of the plan.
    [[nodiscard]] bool can_publish() const;
    void publish(std::int64_t now);
    /// Everything it sent is settled.
    [[nodiscard]] bool is_idle() const { return open_.empty(); }
    [[nodiscard]] bool is_done() const { return plan_.count > 0 && next_ >= plan_.count; }

  private:
    struct Open {
        AuditMark mark;
        mqtt::PacketId id = 0;
        bool released = false;  ///< QoS 2: PUBREC came, PUBCOMP is awaited
    };

    void on_connected(const mqtt::Connack& connack) override;
    void on_packet(const mqtt::Packet& packet) override;
    void send(const Open& open, bool again);
    void acknowledged(Open& open);
    void settle(mqtt::PacketId id, mqtt::ReasonCode reason);
    [[nodiscard]] std::deque<Open>::iterator find(mqtt::PacketId id);
    [[nodiscard]] mqtt::PacketId free_id();

    const AuditPlan& plan_;
    const std::size_t index_;
    const Qos qos_;
    Ledger& ledger_;
    Latencies& latencies_;
    std::deque<Open> open_;  ///< oldest first
    std::uint64_t next_ = 0;
    mqtt::PacketId last_id_ = 0;
    std::size_t room_ = 1;  ///< window, or less when the broker takes less
    bool was_connected_ = false;
};

}  // namespace keepmq::load
