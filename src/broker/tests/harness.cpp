#include "broker/tests/harness.hpp"

#include <fmt/format.h>

#include "base/overloaded.hpp"

namespace keepmq::broker::testing {
namespace {

constexpr std::array every_hook{Hook::client_connected,
                                Hook::client_disconnected,
                                Hook::session_created,
                                Hook::session_resumed,
                                Hook::session_subscribed,
                                Hook::session_unsubscribed,
                                Hook::session_terminated,
                                Hook::message_publish,
                                Hook::message_delivered,
                                Hook::message_acked};

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
    return text ? std::optional<std::string>{*text} : std::nullopt;
}

Received received(const mqtt::Publish& packet) {
    Received to;
    to.topic = packet.topic;
    to.payload = packet.payload;
    to.qos = packet.qos;
    to.retain = packet.retain;
    to.dup = packet.dup;
    to.packet_id = packet.packet_id;
    to.alias = packet.topic_alias;
    to.identifiers = packet.subscription_identifiers;
    std::sort(to.identifiers.begin(), to.identifiers.end());
    to.expiry = packet.properties.message_expiry_interval;
    to.payload_format = packet.properties.payload_format_indicator;
    to.content_type = owned(packet.properties.content_type);
    to.response_topic = owned(packet.properties.response_topic);
    to.correlation_data = owned(packet.properties.correlation_data);
    to.user_properties.assign(packet.properties.user_properties.begin(),
                              packet.properties.user_properties.end());
    return to;
}

template <int Type>
std::string short_form(std::string_view name, const mqtt::Ack<Type>& ack) {
    if (ack.reason == ReasonCode::success)
        return fmt::format("{}({})", name, ack.packet_id);
    return fmt::format("{}({},{:02x})", name, ack.packet_id, static_cast<int>(ack.reason));
}

std::string codes(std::string_view name,
                  mqtt::PacketId id,
                  const std::vector<ReasonCode>& reasons) {
    auto text = fmt::format("{}({}", name, id);
    for (const auto reason : reasons) text += fmt::format(",{:02x}", static_cast<int>(reason));
    return text + ")";
}

std::string short_form(const mqtt::Packet& packet) {
    return std::visit(
        Overloaded{
            [](const mqtt::Connack& p) {
                return fmt::format("CONNACK({:x}{})",
                                   static_cast<int>(p.reason),
                                   p.session_present ? ",present" : "");
            },
            [](const mqtt::Publish& p) {
                return fmt::format("PUBLISH({},{},q{}{}{})",
                                   p.topic,
                                   p.payload,
                                   static_cast<int>(p.qos),
                                   p.retain ? ",retain" : "",
                                   p.dup ? ",dup" : "");
            },
            [](const mqtt::Puback& p) { return short_form("PUBACK", p); },
            [](const mqtt::Pubrec& p) { return short_form("PUBREC", p); },
            [](const mqtt::Pubrel& p) { return short_form("PUBREL", p); },
            [](const mqtt::Pubcomp& p) { return short_form("PUBCOMP", p); },
            [](const mqtt::Suback& p) { return codes("SUBACK", p.packet_id, p.reasons); },
            [](const mqtt::Unsuback& p) { return codes("UNSUBACK", p.packet_id, p.reasons); },
            [](const mqtt::Pingresp&) { return std::string{"PINGRESP"}; },
            [](const mqtt::Disconnect& p) {
                return fmt::format("DISCONNECT({:02x})", static_cast<int>(p.reason));
            },
            [](const auto&) { return std::string{"?"}; },
        },
        packet);
}

}  // namespace

mqtt::Connect connect_packet(std::string_view client,
                             ProtocolVersion version,
                             bool clean_start,
                             std::uint32_t expiry) {
    mqtt::Connect packet;
    packet.version = version;
    packet.client_id = client;
    packet.clean_start = clean_start;
    packet.session_expiry_interval = version == v5 ? expiry : clean_start ? 0 : 0xFFFFFFFF;
    return packet;
}

mqtt::Publish publish_packet(std::string_view topic,
                             std::string_view payload,
                             int qos,
                             mqtt::PacketId id) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = static_cast<Qos>(qos);
    packet.packet_id = id;
    return packet;
}

mqtt::Subscribe subscribe_packet(std::vector<mqtt::SubscribeEntry> entries,
                                 mqtt::PacketId id,
                                 std::optional<std::uint32_t> identifier) {
    mqtt::Subscribe packet;
    packet.packet_id = id;
    packet.entries = std::move(entries);
    packet.subscription_identifier = identifier;
    return packet;
}

std::shared_ptr<Message> stored_message(std::string_view topic,
                                        std::string_view payload,
                                        std::uint64_t number,
                                        int qos) {
    auto message = std::make_shared<Message>();
    message->id = MessageId{number, 0};
    message->topic = TopicName{topic};
    message->payload = payload;
    message->qos = static_cast<Qos>(qos);
    message->stored = true;
    message->sender = ClientId{"somebody"};
    return message;
}

ReplayPlan fetch_plan(ReplayPlan::Mode mode, std::optional<std::uint64_t> max_returned_count) {
    ReplayPlan plan;
    plan.fetch = ReplayPlan::FetchSpec{mode, max_returned_count};
    return plan;
}

// --- Client -------------------------------------------------------------------------------------

void Client::send(const mqtt::Packet& packet) {
    world_.broker.on_packet(id_, packet, world_.now);
    world_.run();
}

void Client::connect(std::string_view client, bool clean_start) {
    send(connect_packet(client, version_, clean_start));
}

void Client::publish(
    std::string_view topic, std::string_view payload, int qos, mqtt::PacketId id, bool retain) {
    auto packet = publish_packet(topic, payload, qos, id);
    packet.retain = retain;
    send(packet);
}

void Client::subscribe(std::string_view filter, int qos, mqtt::PacketId id) {
    send(subscribe_packet({{.filter = filter, .qos = static_cast<Qos>(qos)}}, id));
}

void Client::unsubscribe(std::string_view filter, mqtt::PacketId id) {
    mqtt::Unsubscribe packet;
    packet.packet_id = id;
    packet.filters.push_back(filter);
    send(packet);
}

void Client::puback(mqtt::PacketId id, ReasonCode reason) {
    mqtt::Puback packet;
    packet.packet_id = id;
    packet.reason = reason;
    send(packet);
}

void Client::pubrec(mqtt::PacketId id, ReasonCode reason) {
    mqtt::Pubrec packet;
    packet.packet_id = id;
    packet.reason = reason;
    send(packet);
}

void Client::pubrel(mqtt::PacketId id, ReasonCode reason) {
    mqtt::Pubrel packet;
    packet.packet_id = id;
    packet.reason = reason;
    send(packet);
}

void Client::pubcomp(mqtt::PacketId id) {
    mqtt::Pubcomp packet;
    packet.packet_id = id;
    send(packet);
}

void Client::disconnect(ReasonCode reason) {
    mqtt::Disconnect packet;
    packet.reason = reason;
    send(packet);
}

void Client::lose() {
    world_.broker.on_closed(id_, world_.now);
    closed = true;
    world_.run();
}

void Client::drain() {
    auto& outbox = world_.broker.outbox(id_);
    mqtt::Packet packet;
    while (!outbox.empty()) {
        const mqtt::DecodeOptions options{.version = version_, .sender = mqtt::Sender::server};
        const auto decoded = mqtt::decode(outbox.unsent(), options, packet);
        if (decoded.status != mqtt::DecodeStatus::complete) {
            ADD_FAILURE() << "the broker sent what a client cannot read: " << decoded.detail;
            outbox.consume(outbox.size());
            return;
        }
        log_.push_back(short_form(packet));
        if (const auto* publish = std::get_if<mqtt::Publish>(&packet))
            received_.push_back(received(*publish));
        if (const auto* connack = std::get_if<mqtt::Connack>(&packet)) {
            connack_ = *connack;
            // Views into the outbox do not live; tests look at the identifier only for being there.
            if (connack_->assigned_client_identifier)
                connack_->assigned_client_identifier = "assigned";
        }
        outbox.consume(decoded.consumed);
        world_.broker.on_written(id_, world_.now);
    }
}

std::vector<std::string> Client::take() {
    received_.clear();
    return std::exchange(log_, {});
}

std::vector<Received> Client::messages() {
    log_.clear();
    return std::exchange(received_, {});
}

std::vector<std::string> Client::payloads() {
    std::vector<std::string> all;
    for (auto& one : messages()) all.push_back(std::move(one.payload));
    return all;
}

mqtt::Connack Client::connack() {
    return connack_.value_or(mqtt::Connack{});
}

std::string_view Client::unsent() const {
    return world_.broker.outbox(id_).unsent();
}

// --- World --------------------------------------------------------------------------------------

World::World(const Limits& limits) : broker{limits, MessageIdSource{1}, 42} {
    broker.listen(every_hook);
}

Client& World::open(ProtocolVersion version) {
    const auto id = broker.open("192.0.2.1", 4711, now);
    return *clients_.emplace(id, std::make_unique<Client>(*this, id, version)).first->second;
}

Client& World::connect(std::string_view client, ProtocolVersion version, bool clean_start) {
    return connect(connect_packet(client, version, clean_start));
}

Client& World::connect(const mqtt::Connect& packet) {
    auto& client = open(packet.version);
    client.send(packet);
    EXPECT_EQ(client.connack().reason, ReasonCode::success);
    if (!client.log_.empty())
        client.log_.erase(client.log_.begin());
    return client;
}

void World::run() {
    for (;;) {
        auto effects = broker.take_effects();
        for (auto& effect : effects) run(effect);
        broker.swap_dirty(dirty_);
        if (write_outboxes)
            write_all();
        if (!effects.empty() || !dirty_.empty())
            continue;
        if (!auto_go_on || going_on.empty())
            return;
        go_on();
    }
}

void World::go_on() {
    for (const auto fence : std::exchange(going_on, {})) broker.go_on(fence, now);
}

void World::write_all() {
    for (auto& [id, client] : clients_) client->drain();
}

void World::run(Effect& effect) {
    std::visit(Overloaded{
                   [&](Close& e) {
                       auto& client = *clients_.at(e.connection);
                       client.drain();
                       client.closed = true;
                       client.log_.emplace_back("CLOSED");
                   },
                   [&](Published& e) {
                       e.message->stored = stored && e.message->qos != Qos::at_most_once;
                       published.push_back(e.message);
                       events.push_back("message.publish(" + e.message->topic.str() + ")");
                       if (auto_route && !e.again)
                           broker.route(e.message, now, e.ticket);
                       if (e.ticket == Ticket{})
                           return;
                       if (auto_settle)
                           broker.settle(e.ticket, ReasonCode::success, now);
                       else
                           tickets.push_back(e.ticket);
                   },
                   [](Unplaced&) { ADD_FAILURE() << "there is no other shard"; },
                   [&](Occurred& e) { note(e.event); },
                   [&](Subscribed& e) {
                       events.push_back("session.subscribed(" + e.event.filter.str() + ")");
                       subscribed.push_back(e);
                       if (auto_plan)
                           broker.on_subscribe_plan(e.fence, {}, now);
                   },
                   [&](Fetch& e) { fetches.push_back(e); },
                   [&](GoOn& e) { going_on.push_back(e.fence); },
                   [&](FenceEnded& e) { ended.push_back(e.fence); },
                   [&](PositionMoved& e) { positions.push_back(e); },
               },
               effect);
}

void World::note(const Event& event) {
    const std::string name{to_string(hook_of(event))};
    std::visit(Overloaded{
                   [&](const ClientDisconnected& e) {
                       events.push_back(name + "(" + e.who.client.str() + "," + e.reason + ")");
                   },
                   [&](const SessionTerminated& e) {
                       events.push_back(name + "(" + e.who.client.str() + "," + e.reason + ")");
                   },
                   [&](const MessagePublish&) {},
                   [&](const auto& e) { events.push_back(name + "(" + e.who.client.str() + ")"); },
               },
               event);
}

void World::advance(std::chrono::milliseconds by) {
    now.steady += by;
    now.wall += by;
    broker.tick(now);
    run();
}

void World::settle(std::size_t index, ReasonCode reason) {
    const auto ticket = tickets.at(index);
    tickets.erase(tickets.begin() + static_cast<std::ptrdiff_t>(index));
    broker.settle(ticket, reason, now);
    run();
}

void World::plan(const ReplayPlan& plan) {
    broker.on_subscribe_plan(subscribed.back().fence, plan, now);
    run();
}

void World::write_done(bool ok) {
    broker.on_subscribe_write(subscribed.back().fence, ok, now);
    run();
}

void World::page(std::vector<MessagePtr> messages, std::optional<std::string> next) {
    broker.on_fetched(fetches.back().fence, std::move(messages), std::move(next), now);
    run();
}

std::optional<SessionSnapshot> World::session(std::string_view client) const {
    std::optional<SessionSnapshot> found;
    broker.each_session([&](const SessionSnapshot& one) {
        if (one.client.view() == client)
            found = one;
        return !found;
    });
    return found;
}

std::vector<std::string> World::filters(std::string_view client) const {
    std::vector<std::string> found;
    const ClientId id{client};
    broker.each_subscription(&id, [&](const SubscriptionSnapshot& one) {
        found.push_back(one.filter);
        return true;
    });
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace keepmq::broker::testing
