// The public face: finds who is meant and hands over to the parts.

#include "broker/broker.hpp"

#include <array>

#include "base/overloaded.hpp"
#include "broker/core.hpp"
#include "broker/snapshots.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

void add(Stats& to, const Stats& from) {
    constexpr std::array counters{&Stats::connections,
                                  &Stats::sessions,
                                  &Stats::subscriptions,
                                  &Stats::retained,
                                  &Stats::messages_received,
                                  &Stats::messages_sent,
                                  &Stats::packets_received,
                                  &Stats::packets_sent,
                                  &Stats::queued,
                                  &Stats::inflight,
                                  &Stats::dropped_slow_reader,
                                  &Stats::dropped_queue_full,
                                  &Stats::dropped_expired,
                                  &Stats::dropped_too_large,
                                  &Stats::dropped_no_subscriber,
                                  &Stats::dropped_qos0_absent,
                                  &Stats::dropped_shared_empty,
                                  &Stats::refused_connects,
                                  &Stats::protocol_errors,
                                  &Stats::keep_alive_timeouts,
                                  &Stats::takeovers,
                                  &Stats::fences_open,
                                  &Stats::fences_late,
                                  &Stats::replayed};
    static_assert(sizeof(Stats) == counters.size() * sizeof(std::uint64_t));
    for (const auto counter : counters) to.*counter += from.*counter;
}

class Broker::Impl : public Core {
  public:
    using Core::Core;

    void dispatch(Connection& connection, const mqtt::Packet& packet, Now now);

    template <class Act>
    void with_open(ConnectionId id, Act&& act) {
        if (auto* connection = find(id);
            connection && connection->state != Connection::State::closed)
            act(*connection);
    }
};

Broker::Broker(const Limits& limits, MessageIdSource ids, std::uint64_t seed)
    : impl_{std::make_unique<Impl>(limits, ids, seed)} {}
Broker::~Broker() = default;

void Broker::set_limits(const Limits& limits) {
    impl_->limits = limits;
}

const Limits& Broker::limits() const {
    return impl_->limits;
}

void Broker::listen(std::span<const Hook> hooks) {
    impl_->listening.reset();
    for (const auto hook : hooks) impl_->listening.set(static_cast<std::size_t>(hook));
}

void Broker::join(Peers& peers, Leases& leases, std::size_t index, std::size_t count) {
    impl_->peers = &peers;
    impl_->leases = &leases;
    impl_->journal.number_as(index, count);
}

// --- the network -------------------------------------------------------------------------------

ConnectionId Broker::open(std::string peerhost, std::uint16_t peer_port, Now now) {
    return impl_->lifecycle.open(std::move(peerhost), peer_port, now);
}

void Broker::on_packet(ConnectionId id, const mqtt::Packet& packet, Now now) {
    ++impl_->stats.packets_received;
    impl_->with_open(id, [&](Connection& connection) {
        connection.heard = now.steady;
        impl_->dispatch(connection, packet, now);
    });
}

void Broker::Impl::dispatch(Connection& connection, const mqtt::Packet& packet, Now now) {
    if (const auto* connect = std::get_if<mqtt::Connect>(&packet)) {
        lifecycle.on_connect(connection, *connect, now);
        return;
    }
    if (connection.state != Connection::State::connected) {
        lifecycle.protocol_error(
            connection, mqtt::ReasonCode::protocol_error, now);  // [MQTT-3.1.0-1]
        return;
    }
    Session& session = *connection.session;
    std::visit(
        Overloaded{
            [&](const mqtt::Publish& p) { inbound.on_publish(connection, p, now); },
            [&](const mqtt::Puback& p) { outbound.on_puback(session, p, now); },
            [&](const mqtt::Pubrec& p) { outbound.on_pubrec(session, p, now); },
            [&](const mqtt::Pubrel& p) { inbound.on_pubrel(connection, p); },
            [&](const mqtt::Pubcomp& p) { outbound.on_pubcomp(session, p, now); },
            [&](const mqtt::Subscribe& p) { subscriptions.on_subscribe(connection, p, now); },
            [&](const mqtt::Unsubscribe& p) { subscriptions.on_unsubscribe(connection, p, now); },
            [&](const mqtt::Pingreq&) {
                send(connection, mqtt::Packet{mqtt::Pingresp{}});
            },  // [MQTT-3.12.4-1]
            [&](const mqtt::Disconnect& p) { lifecycle.on_disconnect(connection, p, now); },
            // Packets that only a server sends, and AUTH, which needs a method in CONNECT.
            [&](const auto&) {
                lifecycle.protocol_error(connection, mqtt::ReasonCode::protocol_error, now);
            },
        },
        packet);
}

void Broker::on_refused(ConnectionId id,
                        mqtt::ReasonCode reason,
                        std::optional<mqtt::ProtocolVersion> version_hint,
                        Now now) {
    impl_->with_open(
        id, [&](Connection& c) { impl_->lifecycle.on_refused(c, reason, version_hint, now); });
}

void Broker::on_closed(ConnectionId id, Now now) {
    impl_->with_open(id, [&](Connection& c) {
        impl_->lifecycle.end(c, {.reason = "closed", .by_peer = true}, now);
    });
}

mqtt::DecodeOptions Broker::decode_options(ConnectionId id) const {
    mqtt::DecodeOptions options;
    options.maximum_packet_size = impl_->limits.max_packet_size;
    if (const auto* connection = impl_->find(id))
        options.version = connection->version;
    return options;
}

bool Broker::accepts_more(ConnectionId id) const {
    const auto* connection = impl_->find(id);
    return connection && impl_->inbound.has_room(*connection);
}

Outbox& Broker::outbox(ConnectionId id) {
    return impl_->find(id)->outbox;
}

void Broker::on_written(ConnectionId id, Now now) {
    impl_->with_open(id, [&](Connection& connection) {
        if (connection.session)
            impl_->outbound.pump(*connection.session, now);
    });
}

void Broker::release(ConnectionId id) {
    if (const auto* connection = impl_->find(id);
        connection && connection->state == Connection::State::closed)
        impl_->connections.erase(static_cast<std::uint64_t>(id));
}

void Broker::pause(ConnectionId id, Now) {
    impl_->with_open(id, [](Connection& connection) { connection.paused = true; });
}

void Broker::resume(ConnectionId id, Now now) {
    impl_->with_open(id, [&](Connection& connection) {
        connection.paused = false;
        connection.heard = now.steady;
    });
}

void Broker::disconnect(ConnectionId id, mqtt::ReasonCode reason, Now now) {
    impl_->with_open(id, [&](Connection& c) { impl_->lifecycle.disconnect(c, reason, now); });
}

bool Broker::kick(const ClientId& client, mqtt::ReasonCode reason, Now now) {
    const auto* session = impl_->sessions.find(client.view());
    if (!session || !session->connection)
        return false;
    impl_->lifecycle.disconnect(*session->connection, reason, now);
    return true;
}

void Broker::shut_down(Now now) {
    impl_->connections.each([&](const std::unique_ptr<Connection>& connection) {
        if (connection->state != Connection::State::closed)
            impl_->lifecycle.disconnect(*connection, mqtt::ReasonCode::server_shutting_down, now);
    });
}

// --- time --------------------------------------------------------------------------------------

void Broker::tick(Now now) {
    while (const auto due = impl_->timers.pop_due(now.steady)) impl_->lifecycle.on_timer(*due, now);
}

std::optional<SteadyTime> Broker::next_deadline() const {
    return impl_->timers.next();
}

// --- answers of runtime ------------------------------------------------------------------------

void Broker::route(const MessagePtr& message, Now now, Ticket ticket) {
    const auto before = impl_->journal.made();
    impl_->router.route(message, now);
    if (ticket != Ticket{} && impl_->journal.on())
        impl_->inbound.routed(ticket, impl_->journal.made() != before);
}

std::vector<std::uint64_t> Broker::route_here(const MessagePtr& message,
                                              const std::vector<std::uint64_t>& groups,
                                              Routing routing,
                                              Now now) {
    if (routing.repeatable)
        impl_->repeatable.begin(message->id);
    Router::Chosen chosen{.groups = groups, .last = routing.last};
    impl_->router.route(message, now, &chosen);
    return std::move(chosen.unplaced);
}

bool Broker::place(const MessagePtr& message, std::uint64_t group, bool repeatable, Now now) {
    auto* found = impl_->groups.find(group);
    if (found && repeatable) {
        impl_->repeatable.begin(message->id);
        impl_->router.place(*found, message, now);
    } else if (found) {
        impl_->router.deliver_shared(*found, message, now);
    }
    return found != nullptr;
}

void Broker::unrepeatable(MessageId id, Now now) {
    impl_->outbound.on_unrepeatable(id, now);
}

void Broker::count_unplaced() {
    ++impl_->stats.dropped_shared_empty;
}

void Broker::routed(Ticket ticket, bool changed) {
    if (impl_->journal.on())
        impl_->inbound.routed(ticket, changed);
}

void Broker::stamp(Message& message, Now now) {
    impl_->stamp(message, now);
}

void Broker::keep_identity(std::uint64_t session, std::uint16_t packet_id, MessageId id) {
    if (impl_->journal.on())
        impl_->journal.add(IncomingKept{session, packet_id, Stage::taken, id});
}

void Broker::identified(Ticket ticket, MessageId id) {
    impl_->inbound.identified(ticket, id);
}

void Broker::forget_delivery(std::uint64_t number) {
    if (impl_->journal.on())
        impl_->journal.add(DeliveryGone{number});
}

void Broker::settle(Ticket ticket, mqtt::ReasonCode reason, Now now) {
    impl_->inbound.settle(ticket, reason, now);
}

void Broker::on_subscribe_plan(FenceId fence, const ReplayPlan& plan, Now now) {
    impl_->replay.on_plan(fence, plan, now);
}

void Broker::on_subscribe_write(FenceId fence, bool ok, Now now) {
    impl_->replay.on_write(fence, ok, now);
}

void Broker::on_retained_found(FenceId fence, std::vector<MessagePtr> messages, Now now) {
    impl_->replay.on_retained(fence, std::move(messages), now);
}

void Broker::go_on(FenceId fence, Now now) {
    impl_->replay.go_on(fence, now);
}

void Broker::on_fetched(FenceId fence,
                        std::vector<MessagePtr> page,
                        std::optional<std::string> next,
                        Now now) {
    impl_->replay.on_fetched(fence, std::move(page), std::move(next), now);
}

void Broker::on_fetch_failed(FenceId fence, Now now) {
    impl_->replay.on_fetch_failed(fence, now);
}

void Broker::subscribe_on_behalf(const ClientId& client,
                                 std::span<const Provisioned> subscriptions,
                                 Now now) {
    if (auto* session = impl_->sessions.find(client.view()))
        impl_->subscriptions.subscribe_on_behalf(*session, subscriptions, now);
}

void Broker::unsubscribe_on_behalf(const ClientId& client,
                                   std::span<const TopicFilter> filters,
                                   Now now) {
    if (auto* session = impl_->sessions.find(client.view()))
        impl_->subscriptions.unsubscribe_on_behalf(*session, filters, now);
}

// --- what survives a restart -------------------------------------------------------------------

void Broker::restore(std::vector<Change> kept, Now now, UsedNumbers used) {
    impl_->journal.used_session(used.session);
    impl_->journal.used_delivery(used.delivery);
    impl_->restore(kept, now);
}

void Broker::swap_changes(std::vector<Change>& into) {
    impl_->journal.swap(into);
}

std::uint64_t Broker::changes_made() const {
    return impl_->journal.made();
}

void Broker::on_committed(std::uint64_t change) {
    impl_->on_committed(change);
}

void Broker::on_commit_failed(Now now) {
    impl_->on_commit_failed(now);
}

std::shared_ptr<Message> Broker::make_internal(
    TopicName topic, std::string payload, Qos qos, bool retain, Now now) {
    auto message = std::make_shared<Message>();
    impl_->stamp(*message, now);
    message->topic = std::move(topic);
    message->payload = std::move(payload);
    message->qos = qos;
    message->retain = retain;
    return message;
}

void Broker::publish_internal(TopicName topic, std::string payload, Qos qos, bool retain, Now now) {
    impl_->router.route(make_internal(std::move(topic), std::move(payload), qos, retain, now), now);
}

// --- outputs -----------------------------------------------------------------------------------

std::vector<Effect> Broker::take_effects() {
    return std::exchange(impl_->effects, {});
}

void Broker::swap_effects(std::vector<Effect>& into) {
    into.swap(impl_->effects);
}

bool Broker::is_dirty() const {
    return !impl_->dirty.empty();
}

void Broker::swap_dirty(std::vector<ConnectionId>& into) {
    into.clear();
    into.swap(impl_->dirty);
    for (const auto id : into) {
        if (auto* connection = impl_->find(id))
            connection->dirty = false;
    }
}

// --- looking in --------------------------------------------------------------------------------

const Stats& Broker::stats() const {
    impl_->stats.retained = impl_->retained.size();
    return impl_->stats;
}

WallTime Broker::newest_id_time() const {
    return impl_->ids.newest();
}

bool Broker::is_connected(const ClientId& client) const {
    const auto* session = impl_->sessions.find(client.view());
    return session && session->connection;
}

void Broker::each_session(const std::function<bool(const SessionSnapshot&)>& visit) const {
    impl_->sessions.each([&](const Session& session) { return visit(snapshot(session)); });
}

void Broker::each_subscription(
    const ClientId* only_of, const std::function<bool(const SubscriptionSnapshot&)>& visit) const {
    if (only_of) {
        if (const auto* session = impl_->sessions.find(only_of->view()))
            visit_subscriptions(*session, visit);
        return;
    }
    impl_->sessions.each(
        [&](const Session& session) { return visit_subscriptions(session, visit); });
}

void Broker::each_retained(std::string_view filter,
                           const std::function<bool(const Message&)>& visit) const {
    impl_->retained.match(
        filter, WallTime::min(), [&](const MessagePtr& message) { return visit(*message); });
}

std::vector<MessagePtr> Broker::find_retained(std::string_view filter, Now now) const {
    std::vector<MessagePtr> found;
    impl_->retained.match(filter, now.wall, [&](const MessagePtr& message) {
        found.push_back(message);
        return true;
    });
    return found;
}

std::uint64_t Broker::find_group(std::string_view share) const {
    const auto split = split_shared(share);
    const auto* group = impl_->groups.find(split.group, split.filter);
    return group ? group->key() : 0;
}

bool Broker::delete_retained(const TopicName& topic) {
    const bool was_there = impl_->retained.erase(topic.view());
    if (was_there)
        impl_->router.forget_retained(topic);
    return was_there;
}

}  // namespace keepmq::broker
