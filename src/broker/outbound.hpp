#pragma once
// From the broker to one client: window, queue, packet identifiers, encoding. Shard-local.

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/time.hpp"
#include "broker/session.hpp"
#include "model/message.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

struct Core;

class Outbound {
  public:
    explicit Outbound(Core& core) : core_{core} {}

    /// How a delivery counts for the read position: not at all; as the next stored message of its
    /// topic; or at the place that a fetch gave it.
    enum class Track : std::uint8_t { none, live, registered };
    enum class Room : std::uint8_t { bounded, forced };

    struct Order {
        const MessagePtr& message;
        Qos qos = Qos::at_most_once;
        bool retain = false;
        std::span<const std::uint32_t> identifiers = {};
        std::uint64_t group = 0;
        Track track = Track::none;
        Room room = Room::bounded;  ///< forced: queued whatever the limit says
        bool held = false;          ///< queued for a replay that is to come
    };
    /// Sends, queues or drops. False if it was dropped; the reason is counted.
    bool deliver(Session& session, const Order& order, Now now);

    /// Between the two, one message goes to many: it is encoded once for each form that is needed.
    void begin_fan_out();
    void end_fan_out() { fan_out_ = false; }

    /// Sends what waits, as far as the window and the outbox allow.
    void pump(Session& session, Now now) {
        // Nearly always nothing waits, and this comes with every acknowledgement and every write.
        if (!session.resend.empty() || !session.queue.empty() || session.replay)
            send_waiting(session, now);
    }
    /// A connection took the session up: what was in flight is sent again, then the queue.
    void resume(Session& session, Now now);
    /// The connection ended; everything in flight belongs to the next one.
    void suspend(Session& session);
    /// The session need not survive a restart any more.
    void forget_all(Session& session);
    /// From before a restart, in order. `packet_id` 0: it waits in the queue.
    void restore(Session& session, Delivery delivery, mqtt::PacketId packet_id, bool released);
    /// What the queue holds for a replay that begins now, as far as the fences take it.
    [[nodiscard]] std::vector<Delivery> take_held(
        Session& session, const std::function<bool(const Message&)>& wanted);
    /// The session ends: leases go back, shared messages that the client did not see go on.
    void discard(Session& session, Now now);

    void on_puback(Session& session, const mqtt::Puback& packet, Now now);
    void on_pubrec(Session& session, const mqtt::Pubrec& packet, Now now);
    void on_pubcomp(Session& session, const mqtt::Pubcomp& packet, Now now);
    /// The message is not Repeatable any more: acknowledgements that waited for that count.
    void on_unrepeatable(MessageId id, Now now);

  private:
    struct Frame {
        std::string bytes;
        std::size_t packet_id_at = 0;
        bool valid = false;
    };
    struct Form {
        Qos qos;
        bool retain;
        bool dup;
        mqtt::PacketId packet_id;
    };

    void send_waiting(Session& session, Now now);
    /// The delivery must survive a restart, if its session does.
    void keep(const Session& session, Delivery& delivery);
    /// It is over, or its session need not survive any more.
    void forget(Delivery& delivery);
    /// What the client must not see before a restart would know of it.
    void hold(Connection& connection, const Delivery& delivery);
    bool deliver_at_most_once(Session& session, const Order& order, Now now);
    bool enqueue(Session& session, const Order& order);
    bool account(Session& session, const Order& order);
    void transmit(Session& session, Connection& connection, Delivery&& delivery, Now now);
    void transmit_qos0(Session& session, Connection& connection, const Delivery& delivery, Now now);
    void resend_next(Session& session, Connection& connection, Now now);
    void drop_settled(Session& session, Delivery& delivery);
    /// PUBACK or PUBREC came, for a message that is Repeatable.
    [[nodiscard]] bool waits(const Session& session, Sent& sent, bool refused);
    /// PUBREC counts: PUBREL, unless the client refused the message.
    void release(Session& session, Sent& sent, bool refused, Now now);
    /// The delivery ends.
    void over(Session& session, Sent& sent, Now now);
    void acknowledged(Session& session, Delivery& delivery, Now now);
    void complete(Session& session, Sent& sent);
    void delivered(Session& session, const MessagePtr& message, Qos qos, Now now);
    void put_back(Session& session, Delivery delivery);
    Delivery pop(Session& session);

    /// False if the client does not accept packets of that size [MQTT-3.1.2-24].
    bool write(Connection& connection,
               const Message& message,
               const Form& form,
               std::span<const std::uint32_t> identifiers,
               Now now);
    bool write_frame(Connection& connection, const Message& message, const Form& form, Now now);
    void fill(const Message& message, const Form& form, Now now);

    [[nodiscard]] std::size_t window(const Session& session) const;
    [[nodiscard]] bool can_send(const Session& session) const;
    [[nodiscard]] bool has_room(const Connection& connection) const;

    Core& core_;
    mqtt::Publish packet_;  ///< reused, for the capacity of its vectors
    std::array<Frame, 12> frames_;
    bool fan_out_ = false;
};

[[nodiscard]] inline bool is_expired(const Message& message, Now now) {
    if (!message.properties)
        return false;
    const auto end = message.expires_at();
    return end && *end <= now.wall;
}

}  // namespace keepmq::broker
