#pragma once
// The state of one shard's broker and the parts that act on it. The parts call each other through
// this structure; none of them does I/O, and what runtime is to do is appended to `effects`.

#include <bitset>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "broker/broker.hpp"
#include "broker/connection.hpp"
#include "broker/inbound.hpp"
#include "broker/journal.hpp"
#include "broker/leases.hpp"
#include "broker/lifecycle.hpp"
#include "broker/outbound.hpp"
#include "broker/peers.hpp"
#include "broker/received.hpp"
#include "broker/repeatable.hpp"
#include "broker/replay.hpp"
#include "broker/retained.hpp"
#include "broker/router.hpp"
#include "broker/session.hpp"
#include "broker/shared_group.hpp"
#include "broker/slot_map.hpp"
#include "broker/subscriptions.hpp"
#include "broker/timers.hpp"
#include "broker/topic_tree.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::broker {

struct Core {
    Core(const Limits& given, MessageIdSource source, std::uint64_t seed)
        : limits{given}, ids{source}, random{seed} {}

    Limits limits;
    Stats stats;
    MessageIdSource ids;
    std::mt19937_64 random;
    std::bitset<hook_count> listening;

    std::vector<Effect> effects;
    std::vector<ConnectionId> dirty;
    std::vector<ConnectionId> awaiting;  ///< something of theirs waits for a change
    Timers timers;
    Journal journal;
    Repeatable repeatable;
    Received received;

    SlotMap<std::unique_ptr<Connection>> connections;
    Sessions sessions;
    TopicTree tree;
    SharedGroups groups;
    Retained retained;
    Alarm retained_alarm;
    Leases own_leases;
    Leases* leases = &own_leases;
    Peers* peers = nullptr;  ///< null: the only shard

    Outbound outbound{*this};
    Replay replay{*this};
    Router router{*this};
    Inbound inbound{*this};
    Subscriptions subscriptions{*this};
    Lifecycle lifecycle{*this};

    // restore.cpp; see Broker.
    void restore(std::vector<Change>& kept, Now now);
    void on_committed(std::uint64_t change);
    void on_commit_failed(Now now);

    /// Null for one that was released.
    [[nodiscard]] Connection* find(ConnectionId id) {
        auto* found = connections.find(static_cast<std::uint64_t>(id));
        return found ? found->get() : nullptr;
    }

    [[nodiscard]] bool listens(Hook hook) const {
        return listening.test(static_cast<std::size_t>(hook));
    }

    /// `make` builds the event, only if somebody listens.
    template <class Make>
    void raise(Hook hook, Make&& make) {
        if (listens(hook))
            effects.emplace_back(Occurred{Event{make()}});
    }

    /// Call after bytes were put into the outbox.
    void touch(Connection& connection) {
        if (!connection.dirty) {
            connection.dirty = true;
            dirty.push_back(connection.id);
        }
    }

    /// What is put into the outbox from now on waits until all changes made so far are durable.
    void hold(Connection& connection) {
        if (!journal.is_pending())
            return;
        connection.outbox.hold(journal.made());
        await_commit(connection);
    }
    void await_commit(Connection& connection) {
        if (!connection.awaits_commit) {
            connection.awaits_commit = true;
            awaiting.push_back(connection.id);
        }
    }

    template <class Packet>
    void send(Connection& connection, const Packet& packet) {
        mqtt::encode(packet, connection.version, connection.outbox.tail());
        ++stats.packets_sent;
        touch(connection);
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    template <class Ack>
    void send_ack(Connection& connection,
                  mqtt::PacketId packet_id,
                  mqtt::ReasonCode reason = mqtt::ReasonCode::success) {
        Ack ack;
        ack.packet_id = packet_id;
        ack.reason = reason;
        send(connection, ack);
    }

    /// A message gets its identity where its order is fixed: when it is admitted.
    void stamp(Message& message, Now now) {
        message.id = ids.next(now.wall);
        message.at = now.wall;
    }
};

}  // namespace keepmq::broker
