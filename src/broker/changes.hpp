#pragma once
// What must survive a restart, as values: the broker appends a change for everything that it would
// have to remember of lasting sessions and of retained messages. Someone makes them durable, in
// order and all changes of one turn together, and says how far (Broker::on_committed).
//
// The `...Kept` ones hold everything there is to know, so that a list of them is also what
// Broker::restore takes: sessions first, deliveries by number.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/message.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

/// New or changed. `session` is never used twice, also not after a restart.
struct SessionKept {
    std::uint64_t session = 0;
    ClientId client;
    std::string username;
    std::string peerhost;
    std::uint16_t peer_port = 0;
    std::uint16_t keep_alive = 0;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
    bool clean_start = false;
    std::uint32_t expiry_interval = 0;  ///< seconds
    WallTime created_at;
    WallTime connected_at;
    std::optional<WallTime> disconnected_at;  ///< nothing while connected
};
/// With its subscriptions, Packet Identifiers and will; its deliveries go one by one.
struct SessionGone {
    std::uint64_t session = 0;
};

struct SubscriptionKept {
    std::uint64_t session = 0;
    std::string filter;  ///< as subscribed, with `$share/<group>/`
    std::uint32_t identifier = 0;
    std::uint64_t number = 0;
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    bool replays = false;
    mqtt::RetainHandling retain_handling = mqtt::RetainHandling::send;
};
struct SubscriptionGone {
    std::uint64_t session = 0;
    std::string filter;
};

/// A QoS 1 or 2 message on its way to a session. `number` grows in the order of delivery.
struct DeliveryKept {
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    MessagePtr message;  ///< null once released
    std::vector<std::uint32_t> identifiers;
    std::string share;  ///< the shared subscription that chose the session, or empty
    Qos qos = Qos::at_least_once;
    bool retain = false;
    bool tracked = false;
    bool leased = false;
    bool held = false;             ///< waits behind the replay of a subscription
    mqtt::PacketId packet_id = 0;  ///< 0: waits in the queue
    bool released = false;         ///< PUBREC came
};
struct DeliverySent {
    std::uint64_t number = 0;
    mqtt::PacketId packet_id = 0;
};
struct DeliveryReleased {
    std::uint64_t number = 0;
};
struct DeliveryGone {
    std::uint64_t number = 0;
};

/// How far the message behind a QoS 2 Packet Identifier of a client came.
enum class Stage : std::uint8_t {
    taken,    ///< it has an identity
    routed,   ///< and is in the queues of those who want it
    settled,  ///< and the rules' stores have it
};
struct IncomingKept {
    std::uint64_t session = 0;
    mqtt::PacketId packet_id = 0;
    Stage stage = Stage::taken;
    MessageId id;
};
struct IncomingGone {
    std::uint64_t session = 0;
    mqtt::PacketId packet_id = 0;
};

/// The session, or with a `share` a member of that shared subscription, has the message of an
/// exchange that a restart found at Stage::taken, see Received. For deliveries from before the
/// restart, whoever loads makes them.
struct ReceivedKept {
    MessageId message;
    std::uint64_t session = 0;
    std::string share;  ///< as subscribed, or empty

    friend auto operator<=>(const ReceivedKept&, const ReceivedKept&) = default;
};

struct RetainedKept {
    MessagePtr message;
};
struct RetainedGone {
    TopicName topic;
};

struct WillKept {
    std::uint64_t session = 0;
    MessagePtr message;
    std::uint32_t delay = 0;      ///< seconds
    std::optional<WallTime> due;  ///< nothing while its client is connected
};
struct WillGone {
    std::uint64_t session = 0;
};

using Change = std::variant<SessionKept,
                            SessionGone,
                            SubscriptionKept,
                            SubscriptionGone,
                            DeliveryKept,
                            DeliverySent,
                            DeliveryReleased,
                            DeliveryGone,
                            IncomingKept,
                            IncomingGone,
                            ReceivedKept,
                            RetainedKept,
                            RetainedGone,
                            WillKept,
                            WillGone>;

}  // namespace keepmq::broker
