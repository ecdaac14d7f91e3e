#pragma once
// The MQTT server as a state machine of values: packets, ticks and answers go in; bytes appear in
// outboxes and effects in a list. No I/O, no clock, no thread, no lock. One per shard.
//
//   broker.on_packet(connection, packet, now);
//   for (auto& effect : broker.take_effects()) ...;       // runtime carries them out
//   for (auto id : broker.take_dirty()) write(broker.outbox(id));
//
// After every call `runtime` carries out the effects before it hands in anything else; carrying one
// out may call the broker again (route, on_subscribe_plan), which may append more.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "broker/changes.hpp"
#include "broker/effects.hpp"
#include "broker/leases.hpp"
#include "broker/limits.hpp"
#include "broker/outbox.hpp"
#include "broker/peers.hpp"
#include "broker/stats.hpp"
#include "model/event.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::broker {

/// How the rules want a subscription to be filled. See Effects: Subscribed.
struct ReplayPlan {
    enum class Mode : std::uint8_t { after_cursor, queue, latest };
    struct FetchSpec {
        Mode mode = Mode::after_cursor;
        std::optional<std::uint64_t> max_returned_count;
    };
    std::size_t awaited_writes = 0;    ///< SUBACK waits for that many on_subscribe_write
    std::size_t awaited_retained = 0;  ///< on_retained_found comes that often
    std::optional<FetchSpec> fetch;
};

/// A subscription that was provisioned in a database or by an operator.
struct Provisioned {
    TopicFilter filter;  ///< may carry `$share/<group>/`
    Qos qos = Qos::at_most_once;
};

/// What the other shards have to do with a message that is routed on this one.
struct Routing {
    bool repeatable = false;  ///< see Published
    bool last = false;        ///< it went to no other shard
};

/// Numbers in the journal that an earlier run used, on any shard.
struct UsedNumbers {
    std::uint64_t session = 0;
    std::uint64_t delivery = 0;
};

/// For the admin interface.
struct SessionSnapshot {
    ClientId client;
    std::string username;
    std::string peerhost;
    std::uint16_t port = 0;
    bool connected = false;
    int protocol_level = 0;
    bool clean_start = false;
    std::uint16_t keep_alive = 0;
    std::uint32_t expiry_interval = 0;
    WallTime connected_at;
    WallTime disconnected_at;
    WallTime created_at;
    std::size_t subscriptions = 0;
    std::size_t queued = 0;
    std::size_t inflight = 0;
    std::size_t awaiting_rel = 0;
    std::uint64_t dropped = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
};
struct SubscriptionSnapshot {
    ClientId client;
    std::string filter;  ///< as subscribed, with `$share/<group>/`
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    int retain_handling = 0;
};

class Broker {
  public:
    /// `seed` feeds what must be unguessable or random (assigned client identifiers, shared
    /// strategy).
    Broker(const Limits& limits, MessageIdSource ids, std::uint64_t seed);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    void set_limits(const Limits& limits);
    [[nodiscard]] const Limits& limits() const;
    /// Which hooks have rules: others raise no Occurred effect, and a PUBLISH that no rule of
    /// message.publish can see raises no Published: it is routed and acknowledged at once.
    void listen(std::span<const Hook> hooks);

    /// It is the `index`th of `count` shards of a node, which share the leases. Before the first
    /// client and before `restore`; all live as long as the broker.
    void join(Peers& peers, Leases& leases, std::size_t index, std::size_t count);

    // --- the network ---------------------------------------------------------------------------

    /// A Network Connection was accepted. CONNECT must follow within Limits::connect_timeout.
    [[nodiscard]] ConnectionId open(std::string peerhost, std::uint16_t peer_port, Now now);
    /// One packet; its views need to live only during the call.
    void on_packet(ConnectionId connection, const mqtt::Packet& packet, Now now);
    /// Bytes that are no legal packet: answered as the version allows, then closed. `version_hint`
    /// is the version seen in a refused CONNECT, if any.
    void on_refused(ConnectionId connection,
                    mqtt::ReasonCode reason,
                    std::optional<mqtt::ProtocolVersion> version_hint,
                    Now now);
    /// The peer or the network ended the connection without DISCONNECT.
    void on_closed(ConnectionId connection, Now now);
    /// What `mqtt::decode` needs for the next packet of this connection.
    [[nodiscard]] mqtt::DecodeOptions decode_options(ConnectionId connection) const;
    /// False: stop reading this connection until something is settled. A client before MQTT 5 knows
    /// no Receive Maximum, so only TCP can hold it back.
    [[nodiscard]] bool accepts_more(ConnectionId connection) const;
    /// Bytes to write. Stays valid until `release` (a closed connection still has its last words).
    [[nodiscard]] Outbox& outbox(ConnectionId connection);
    /// After the outbox was written, wholly or in part: delivers what waited for room.
    void on_written(ConnectionId connection, Now now);
    /// The socket is gone: forget the outbox. Needed once per `open`, after Close or on_closed.
    void release(ConnectionId connection);

    /// While its publishes cannot be taken (database slow): keep-alive is not checked.
    void pause(ConnectionId connection, Now now);
    void resume(ConnectionId connection, Now now);
    /// Ends a connection from our side: DISCONNECT with the reason on MQTT 5, then Close.
    void disconnect(ConnectionId connection, mqtt::ReasonCode reason, Now now);
    /// By client identifier; false if it is not connected.
    bool kick(const ClientId& client, mqtt::ReasonCode reason, Now now);
    /// All connections, at shutdown: server_shutting_down.
    void shut_down(Now now);

    // --- time ----------------------------------------------------------------------------------

    /// Runs everything that is due: keep-alive, CONNECT time-out, will delay, session expiry,
    /// fences.
    void tick(Now now);
    /// When `tick` has something to do next; nothing = never.
    [[nodiscard]] std::optional<SteadyTime> next_deadline() const;

    // --- answers of runtime --------------------------------------------------------------------

    /// Delivers an admitted message to its subscribers and keeps it as retained if it asks for it.
    /// The answer behind `ticket`, if there is one, waits for what that changed.
    void route(const MessagePtr& message, Now now, Ticket ticket = {});
    /// The same for what was published on any shard: to sessions here, and to the shared groups
    /// that were chosen for this shard. Returns those that have no member here any more.
    [[nodiscard]] std::vector<std::uint64_t> route_here(const MessagePtr& message,
                                                        const std::vector<std::uint64_t>& groups,
                                                        Routing routing,
                                                        Now now);
    /// To one member of a shared group; false if it has no member here.
    bool place(const MessagePtr& message, std::uint64_t group, bool repeatable, Now now);
    /// A message that was repeatable will not come again: the handshakes of its receivers go on.
    void unrepeatable(MessageId id, Now now);
    /// No shard has a member: the message is dropped.
    void count_unplaced();
    /// All shards have the message behind the ticket; `changed`: the answer waits for a change.
    void routed(Ticket ticket, bool changed);
    /// A message of another shard gets its identity here.
    void stamp(Message& message, Now now);
    /// The identity of a QoS 2 message of another shard's session goes into this one's journal. No
    /// rule may store it before changes_made of now.
    void keep_identity(std::uint64_t session, std::uint16_t packet_id, MessageId id);
    /// The other way round: the message behind the ticket got this one.
    void identified(Ticket ticket, MessageId id);
    /// See Unplaced.
    void forget_delivery(std::uint64_t number);
    /// The publish behind `ticket` is durable (success) or refused. Acks leave in arrival order. A
    /// refusal is PUBACK/PUBREC with the code on MQTT 5 and a closed connection before.
    void settle(Ticket ticket, mqtt::ReasonCode reason, Now now);

    void on_subscribe_plan(FenceId fence, const ReplayPlan& plan, Now now);
    /// One awaited write of the subscription is done. Not ok: SUBACK says failure and the
    /// subscription is taken back.
    void on_subscribe_write(FenceId fence, bool ok, Now now);
    void on_retained_found(FenceId fence, std::vector<MessagePtr> messages, Now now);
    /// See GoOn.
    void go_on(FenceId fence, Now now);
    /// Answer to Fetch. `next` as in store::MessagePage.
    void on_fetched(FenceId fence,
                    std::vector<MessagePtr> page,
                    std::optional<std::string> next,
                    Now now);
    /// There will be no answer to Fetch. Live messages go on; what was not read stays beyond the
    /// position, for the next subscribe.
    void on_fetch_failed(FenceId fence, Now now);

    /// Subscribes and unsubscribes without a packet of the client (on_subscribe_lookup, operator).
    void subscribe_on_behalf(const ClientId& client,
                             std::span<const Provisioned> subscriptions,
                             Now now);
    void unsubscribe_on_behalf(const ClientId& client,
                               std::span<const TopicFilter> filters,
                               Now now);

    // --- what survives a restart (changes.hpp) -------------------------------------------------

    /// From now on changes are made, and what must not be said before they are durable waits for
    /// on_committed. `kept` is what they came to in an earlier run. Before the first client, and
    /// after `listen`.
    void restore(std::vector<Change> kept, Now now, UsedNumbers used = {});
    /// Changes since the last call, into an empty vector of the caller. Those of one turn of
    /// runtime belong into one transaction.
    void swap_changes(std::vector<Change>& into);
    /// Number of the newest change; that of the first is 1.
    [[nodiscard]] std::uint64_t changes_made() const;
    /// All changes up to this one are durable.
    void on_committed(std::uint64_t change);
    /// Changes cannot be made durable at present: publishes and connections that wait for one are
    /// refused or ended. The changes may become durable later.
    void on_commit_failed(Now now);

    /// A message of the broker itself ($SYS). Routed at once, no rules.
    void publish_internal(TopicName topic, std::string payload, Qos qos, bool retain, Now now);

    /// Such a message, to be routed by runtime.
    [[nodiscard]] std::shared_ptr<Message> make_internal(
        TopicName topic, std::string payload, Qos qos, bool retain, Now now);

    // --- outputs -------------------------------------------------------------------------------

    /// Moves the effects out; call until empty.
    [[nodiscard]] std::vector<Effect> take_effects();
    /// The same without giving up capacity: swaps with an empty vector of the caller.
    void swap_effects(std::vector<Effect>& into);
    /// Whether swap_dirty has something to say.
    [[nodiscard]] bool is_dirty() const;
    /// Connections whose outbox got bytes since the last call; each once.
    void swap_dirty(std::vector<ConnectionId>& into);

    // --- looking in ----------------------------------------------------------------------------

    [[nodiscard]] const Stats& stats() const;
    /// The time in the newest message id that was minted.
    [[nodiscard]] WallTime newest_id_time() const;
    [[nodiscard]] bool is_connected(const ClientId& client) const;
    /// Visits until the visitor returns false.
    void each_session(const std::function<bool(const SessionSnapshot&)>& visit) const;
    void each_subscription(const ClientId* only_of,
                           const std::function<bool(const SubscriptionSnapshot&)>& visit) const;
    void each_retained(std::string_view filter,
                       const std::function<bool(const Message&)>& visit) const;
    bool delete_retained(const TopicName& topic);
    /// Retained messages that a new subscription of the filter gets from here.
    [[nodiscard]] std::vector<MessagePtr> find_retained(std::string_view filter, Now now) const;
    /// Key of `$share/<group>/<filter>`, or 0 if it has no member here.
    [[nodiscard]] std::uint64_t find_group(std::string_view share) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::broker
