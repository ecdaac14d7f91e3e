#pragma once
// What the broker wants done, as values. `runtime` carries them out, in order; tests look at them.
// Bytes for clients are not effects: they are in the connection's outbox.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/event.hpp"

namespace keepmq::broker {

/// Identifies one replay fence for the life of the process; answers for an ended one are ignored.
enum class FenceId : std::uint64_t {};

/// Close the Network Connection once its outbox is written. The broker forgot it already.
struct Close {
    ConnectionId connection;
};

/// A PUBLISH was admitted and there are rules of message.publish. `runtime` runs the rules of
/// message.publish, calls Broker::route (now, or after the commit) with the ticket and, when that
/// is not 0, Broker::settle exactly once.
struct Published {
    std::shared_ptr<Message> message;
    Ticket ticket{};
    ConnectionId from{};  ///< 0 for a will or an internal message
    /// No rule may store the message before this change is durable (Broker::on_committed): only
    /// then does a repetition after a crash get the same message id. 0: none.
    std::uint64_t after = 0;
    /// It was routed before a restart: only the rules are to run, again.
    bool again = false;
    /// It came before a restart, and has the identity that it had.
    bool repeated = false;
    /// A crash would make its publisher send it again and us route it again, until Broker::routed
    /// or Broker::settle is durable. With Peers, Broker::unrepeatable says so to all who routed it.
    bool repeatable = false;
    /// Another shard takes it (Peers::is_elsewhere). The id is provisional unless `repeated`, and
    /// if `session` is not 0 the final one goes into the journal there (Broker::keep_identity).
    bool elsewhere = false;
    std::uint64_t session = 0;  ///< number in the journal
    std::uint16_t packet_id = 0;
};

/// A shared group has no member on this shard any more: one elsewhere is to get the message. Only
/// with Peers.
struct Unplaced {
    std::shared_ptr<const Message> message;
    std::uint64_t group = 0;
    /// What to forget (Broker::forget_delivery) once the message is safe there; or 0.
    std::uint64_t delivery = 0;
};

/// Something rules may be bound to. Not raised for message.publish and session.subscribed, which
/// have effects of their own, nor for hooks that nobody listens to (Broker::listen).
struct Occurred {
    Event event;
};

/// A subscription took effect and a fence is open for it. `runtime` answers with
/// Broker::on_subscribe_plan before it hands in anything else.
struct Subscribed {
    FenceId fence;
    SessionSubscribed event;
    bool wants_retained = false;  ///< by Retain Handling; false for a shared subscription
    bool resumed = false;  ///< no client subscribed: its session goes on, and with it the replay
};

/// Read the next page of stored messages and answer with Broker::on_fetched or on_fetch_failed.
struct Fetch {
    FenceId fence;
    ClientId client;
    TopicFilter filter;
    std::optional<std::string> after;  ///< `next` of the page before
    std::size_t limit = 0;
};

/// There is more to do for the fence than others should wait for: call Broker::go_on with it, after
/// what they are waiting for.
struct GoOn {
    FenceId fence;
};

/// A fence is gone, whatever ended it: no Fetch with its id comes any more, and an answer to an
/// earlier one changes nothing. Raised for each fence whose plan has a fetch, or that ended before
/// its plan.
struct FenceEnded {
    FenceId fence;
};

/// Everything of the topic up to this stored message is settled for the client.
struct PositionMoved {
    ClientId client;
    TopicName topic;
    MessageId id;
};

using Effect = std::variant<Close,
                            Published,
                            Unplaced,
                            Occurred,
                            Subscribed,
                            Fetch,
                            GoOn,
                            FenceEnded,
                            PositionMoved>;

}  // namespace keepmq::broker
