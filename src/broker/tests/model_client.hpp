#pragma once
// The clients of the model test, and what the test knows of them.

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/tests/model_store.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::broker::model {

using Uid = std::uint64_t;  ///< number of a message, in its payload

/// A message read from the socket that still wants its PUBACK, PUBREC or PUBCOMP.
struct Owed {
    mqtt::PacketId packet_id = 0;
    Qos qos = Qos::at_most_once;
    Uid uid = 0;
    bool released = false;  ///< PUBREL came
    bool retained = false;  ///< a copy beside the one that is routed or fetched
};

/// One delivery in the life of a session.
struct Seen {
    bool acked = false;
    ConnectionId connection{};
};

/// What the broker was asked to subscribe last, by filter.
struct Opened {
    FenceId fence{};
    bool durable = false;  ///< its initial position is written, or that of one it replaced
};

struct Client {
    ClientId id;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5;
    Qos qos = Qos::at_least_once;
    bool no_local = false;
    std::vector<std::string> filters;  ///< that it may subscribe to

    // The network.
    ConnectionId connection{};
    bool open = false;
    bool ready = false;    ///< CONNACK came
    bool present = false;  ///< and said that the session was there
    std::string received;
    mqtt::PacketId last_packet_id = 0;
    std::map<mqtt::PacketId, std::vector<std::string>> subscribing;
    std::deque<std::pair<mqtt::PacketId, Uid>> publishing;
    std::deque<Owed> owed;
    std::set<mqtt::PacketId> unreleased;  ///< QoS 2: PUBREC sent, PUBREL not read

    // The session as the broker's events tell it.
    bool session = false;
    std::set<std::string> subscribed;  ///< at least all that the broker routes to
    std::map<std::string, Opened> opened;
    std::map<Uid, Seen> seen;
    std::map<std::string, std::uint64_t>
        newest;                 ///< by topic: place of the newest delivered message
    std::set<Uid> as_retained;  ///< delivered with RETAIN
    /// By topic: a subscription of its own that came after one with wildcards brings what is older
    /// than what that one brought. So old ones up to this place come in no certain order.
    std::map<std::string, std::uint64_t> unordered_until;
    /// Published before a subscription ended, and whether it may come once more than others: what
    /// was under way goes on, moves no position any more, and comes again with a new subscription.
    std::map<Uid, bool> left_over;

    // What lasts in the store.
    std::set<std::string> confirmed;  ///< SUBACK was read, never unsubscribed since

    mqtt::PacketId next_packet_id() {
        if (++last_packet_id == 0)
            last_packet_id = 1;
        return last_packet_id;
    }
    [[nodiscard]] bool holds(Uid uid) const {
        const auto found = seen.find(uid);
        return session && found != seen.end() && !found->second.acked;
    }
    void has_acknowledged(Uid uid) {
        const auto copy = seen.find(uid);
        if (copy == seen.end())
            return;
        copy->second.acked = true;
        if (const auto found = left_over.find(uid); found != left_over.end() && found->second) {
            found->second = false;
            seen.erase(copy);
        }
    }
    void forget_session() {
        session = false;
        subscribed.clear();
        opened.clear();
        seen.clear();
        newest.clear();
        unordered_until.clear();
        as_retained.clear();
        left_over.clear();
        unreleased.clear();
    }
    void forget_connection() {
        open = ready = false;
        received.clear();
        subscribing.clear();
        publishing.clear();
        owed.clear();
    }
};

/// A message and what must become of it.
struct Published {
    MessagePtr message;
    std::string topic;
    std::uint64_t place = 0;  ///< among the messages of its topic
    bool stored = false;
    bool refused = false;
    std::set<std::size_t> live;  ///< clients that had a matching subscription when it was routed
    struct Promise {
        std::set<std::string> filters;  ///< confirmed when it was accepted, not unsubscribed since
        bool delivered = false;
        bool acked = false;
    };
    std::map<std::size_t, Promise> promises;  ///< by client
};

}  // namespace keepmq::broker::model
