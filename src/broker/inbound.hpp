#pragma once
// PUBLISH and PUBREL of clients: admission, ack slots, QoS 2 identifiers. Shard-local.

#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "broker/connection.hpp"
#include "broker/session.hpp"
#include "broker/slot_map.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

struct Core;

class Inbound {
  public:
    explicit Inbound(Core& core) : core_{core} {}

    void on_publish(Connection& connection, const mqtt::Publish& packet, Now now);
    void on_pubrel(Connection& connection, const mqtt::Pubrel& packet);
    /// Another shard gave the message behind the ticket its identity.
    void identified(Ticket ticket, MessageId id);
    /// The message behind the ticket is with its subscribers; `changed`: that made changes which
    /// its answer waits for.
    void routed(Ticket ticket, bool changed);
    /// The message behind the ticket is durable or refused.
    void settle(Ticket ticket, mqtt::ReasonCode reason, Now now);
    /// The session ends: its open tickets settle nothing any more.
    void forget(Session& session);
    /// Sends what is ready and durable.
    void flush(Connection& connection);
    /// Changes cannot be made durable now: what waits for them is refused.
    void refuse_waiting(Connection& connection, Now now);
    /// False: do not read more until something is settled. For clients before MQTT 5, which know no
    /// Receive Maximum.
    [[nodiscard]] bool has_room(const Connection& connection) const;

  private:
    /// An admitted QoS 1 or 2 PUBLISH whose message is not durable yet.
    struct Pending {
        ConnectionId connection{};
        std::uint64_t slot = 0;     ///< in AckSlots of that connection
        std::uint64_t session = 0;  ///< key, for QoS 2
        std::uint64_t after = 0;    ///< change that must be durable before the answer
        mqtt::PacketId packet_id = 0;
        Qos qos = Qos::at_most_once;
    };

    /// The topic with a Topic Alias resolved; empty if the connection was ended.
    [[nodiscard]] std::string_view resolve_topic(Connection& connection,
                                                 const mqtt::Publish& packet,
                                                 Now now);
    [[nodiscard]] bool is_allowed(Connection& connection,
                                  const mqtt::Publish& packet,
                                  std::string_view topic,
                                  Now now);
    /// A QoS 2 PUBLISH that came before: answered from memory.
    [[nodiscard]] bool answer_repeated(Connection& connection, const mqtt::Publish& packet);
    /// True for a client of MQTT 5 that has used up its Receive Maximum.
    [[nodiscard]] bool exceeds_quota(const Connection& connection, std::size_t taken) const;
    void admit(Connection& connection,
               const mqtt::Publish& packet,
               std::string_view topic,
               Now now);
    void pass_on(Connection& connection,
                 const mqtt::Publish& packet,
                 const MessagePtr& message,
                 Now now);
    void refuse(Connection& connection,
                const mqtt::Publish& packet,
                mqtt::ReasonCode reason,
                Now now);
    void answer(Connection& connection,
                std::uint64_t slot,
                mqtt::ReasonCode reason,
                std::uint64_t after);
    void send_ack(Connection& connection,
                  mqtt::PacketId packet_id,
                  Qos qos,
                  mqtt::ReasonCode reason);
    /// The exchange with the client has come further, or is over.
    void keep(const Session& session, mqtt::PacketId packet_id, const Incoming& exchange);
    void forget(Session& session, mqtt::PacketId packet_id);

    Core& core_;
    SlotMap<Pending> pending_;
};

/// Copies of the properties of a packet; null when there are none.
[[nodiscard]] std::unique_ptr<const MessageProperties> copy_properties(
    const mqtt::PublishProperties& from);

}  // namespace keepmq::broker
