#pragma once
// What the server remembers of one client, also while it is away [MQTT 5.0, 4.1]. Shard-local;
// owned by Sessions. Plain state: the parts of the broker act on it.

#include <boost/container/flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "broker/changes.hpp"
#include "broker/connection.hpp"
#include "broker/delivery_queue.hpp"
#include "broker/incoming.hpp"
#include "broker/inflight.hpp"
#include "broker/replay_state.hpp"
#include "broker/ring.hpp"
#include "broker/slot_map.hpp"
#include "broker/timers.hpp"
#include "model/event.hpp"
#include "model/message.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

struct Subscription {
    std::string as_subscribed;     ///< with `$share/<group>/`
    TopicFilter filter;            ///< without
    std::uint64_t group = 0;       ///< key of the shared group, or 0
    std::uint32_t identifier = 0;  ///< 0 = none
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    bool replays = false;      ///< its rule fetches stored messages
    std::uint64_t number = 0;  ///< a later one is larger
    mqtt::RetainHandling retain_handling = mqtt::RetainHandling::send;

    [[nodiscard]] bool shared() const { return group != 0; }
};

struct PendingWill {
    std::shared_ptr<Message> message;  ///< without id and time
    std::uint32_t delay = 0;           ///< seconds
    Deadline due;                      ///< only while its client is away
};

class Session {
  public:
    static constexpr std::uint32_t never_expires = 0xFFFFFFFF;

    std::uint64_t key = 0;
    std::uint64_t kept = 0;  ///< its number in the journal, 0: it need not survive a restart
    ClientId client;
    std::unique_ptr<const std::string> username;  ///< null: none
    std::string peerhost;
    Connection* connection = nullptr;
    std::uint32_t expiry_interval = 0;  ///< seconds
    std::uint16_t peer_port = 0;
    std::uint16_t keep_alive = 0;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
    bool clean_start = false;
    bool restored = false;     ///< from before a restart, and was not resumed since
    std::uint32_t shared = 0;  ///< how many subscriptions are
    WallTime created_at;
    WallTime connected_at;
    WallTime disconnected_at;

    /// By what was subscribed, a view of the subscription's own text. Sorted in one block: most
    /// sessions have one or two, for which a hash table would be mostly buckets.
    boost::container::flat_map<std::string_view, std::unique_ptr<Subscription>> subscriptions;
    IncomingTable incoming;

    Inflight inflight;
    Ring<mqtt::PacketId> resend;     ///< in flight when the last connection ended, to be sent again
    std::uint32_t route_target = 0;  ///< place among the targets of the message of route_mark
    std::uint32_t outstanding = 0;   ///< PUBLISH that take quota of the present connection
    DeliveryQueue queue;

    std::unique_ptr<PendingWill> will;
    Deadline expires_at;  ///< only while away
    Alarm alarm;

    std::unique_ptr<ReplayState> replay;  ///< null while nothing stored concerns the session

    std::uint64_t route_mark = 0;  ///< number of the last message that matched, see Router
    std::uint64_t dropped = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;

    [[nodiscard]] bool lasting() const { return expiry_interval != 0; }
    [[nodiscard]] std::string user() const { return username ? *username : std::string{}; }
    void set_user(std::string_view name) {
        username = name.empty() ? nullptr : std::make_unique<const std::string>(name);
    }
    [[nodiscard]] ClientInfo who() const { return {client, user(), peerhost}; }
};

/// All sessions of the shard, by client identifier and by key.
class Sessions {
  public:
    Session& create(const ClientId& client);
    [[nodiscard]] Session* find(std::string_view client) const;
    [[nodiscard]] Session* find(std::uint64_t key) const;
    void erase(Session& session);
    [[nodiscard]] std::size_t size() const { return by_client_.size(); }

    /// Until `visit` returns false.
    template <class Visit>
    void each(Visit&& visit) const {
        for (const auto* session : by_client_) {
            if (!visit(*session))
                return;
        }
    }

  private:
    struct HashClient {
        using is_transparent = void;
        std::size_t operator()(std::string_view client) const { return NamedHash{}(client); }
        std::size_t operator()(const Session* session) const {
            return NamedHash{}(session->client);
        }
    };
    struct SameClient {
        using is_transparent = void;
        bool operator()(const Session* a, const Session* b) const { return a == b; }
        bool operator()(std::string_view a, const Session* b) const {
            return a == b->client.view();
        }
        bool operator()(const Session* a, std::string_view b) const {
            return a->client.view() == b;
        }
    };

    SlotMap<std::unique_ptr<Session>> by_key_;
    boost::unordered_flat_set<Session*, HashClient, SameClient> by_client_;
};

}  // namespace keepmq::broker
