// Lifecycle: a connection begins.

#include <algorithm>
#include <array>
#include <utility>

#include "broker/core.hpp"
#include "model/topic.hpp"

namespace keepmq::broker {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

ConnectionId Lifecycle::open(std::string peerhost, std::uint16_t peer_port, Now now) {
    auto owned = std::make_unique<Connection>();
    Connection& connection = *owned;
    connection.id = ConnectionId{core_.connections.insert(std::move(owned))};
    connection.peerhost = std::make_unique<const std::string>(std::move(peerhost));
    connection.peer_port = peer_port;
    connection.heard = now.steady;
    connection.patience = core_.limits.connect_timeout;
    core_.timers.arm(connection.alarm,
                     now.steady + connection.patience,
                     Timers::Kind::connection,
                     static_cast<std::uint64_t>(connection.id));
    ++core_.stats.connections;
    return connection.id;
}

void Lifecycle::on_connect(Connection& connection, const mqtt::Connect& packet, Now now) {
    if (connection.state != Connection::State::opened) {
        protocol_error(connection, ReasonCode::protocol_error, now);  // [MQTT-3.1.0-2]
        return;
    }
    connection.version = packet.version;
    const auto admission = admit(packet);
    if (admission.reason != ReasonCode::success) {
        refuse(connection, admission.reason);
        return;
    }
    const auto& client = admission.client;
    Session* session = core_.sessions.find(client.view());
    const bool discards_kept = session && session->kept != 0 && packet.clean_start;
    if (session) {
        take_over(*session, packet.clean_start, now);
        session = core_.sessions.find(client.view());
    }
    const bool present = session != nullptr;
    if (!session) {
        session = &core_.sessions.create(client);
        session->created_at = now.wall;
        ++core_.stats.sessions;
    }
    adopt(connection, *session, packet, now);
    if (discards_kept)
        core_.hold(connection);  // else a crash would bring it back
    send_connack(connection, *session, packet, admission.assigned, present);
    if (present)
        core_.raise(Hook::session_resumed, [&] {
            return SessionResumed{session->who(), now.wall};
        });
    else
        core_.raise(Hook::session_created, [&] {
            return SessionCreated{session->who(), now.wall};
        });
    core_.raise(Hook::client_connected, [&] { return ClientConnected{session->who(), now.wall}; });
    if (present)
        core_.subscriptions.reopen(*session, now);
    core_.outbound.resume(*session, now);
}

Lifecycle::Admission Lifecycle::admit(const mqtt::Connect& packet) {
    const auto refused = [](ReasonCode reason) { return Admission{reason, false, {}}; };
    if (packet.authentication_method)
        return refused(ReasonCode::bad_authentication_method);
    if (packet.will && packet.will->qos > core_.limits.max_qos)
        return refused(ReasonCode::qos_not_supported);  // [MQTT-3.2.2-12]
    if (packet.will && packet.will->retain && !core_.limits.retain_available)
        return refused(ReasonCode::retain_not_supported);  // [MQTT-3.2.2-13]
    const auto levels = core_.limits.max_topic_levels;
    if (packet.will && levels != 0 && topic_levels(packet.will->topic) > levels)
        return refused(ReasonCode::topic_name_invalid);
    Admission admission;
    if (packet.client_id.empty()) {
        // 3.1 knows no empty identifier; 3.1.1 allows it for a session that does not last.
        if (packet.version == ProtocolVersion::v3_1 ||
            (packet.version == ProtocolVersion::v3_1_1 && !packet.clean_start))
            return refused(ReasonCode::client_identifier_not_valid);  // [MQTT-3.1.3-8]
        admission.client = assign_client_id();                        // [MQTT-3.1.3-6]
        admission.assigned = true;
    } else if (packet.client_id.size() > core_.limits.max_client_id_length) {
        return refused(ReasonCode::client_identifier_not_valid);
    } else {
        admission.client = ClientId{packet.client_id};
    }
    admission.reason = check_capacity(admission.client);
    if (admission.reason != ReasonCode::success && packet.version != ProtocolVersion::v5)
        admission.reason = ReasonCode::server_unavailable;
    return admission;
}

ReasonCode Lifecycle::check_capacity(const ClientId& client) const {
    const auto others = core_.peers ? core_.peers->others() : Peers::Totals{};
    if (core_.stats.connections + others.connections > core_.limits.max_connections)
        return ReasonCode::quota_exceeded;
    if (core_.sessions.size() + others.sessions >= core_.limits.max_sessions &&
        !core_.sessions.find(client.view()))
        return ReasonCode::quota_exceeded;
    return ReasonCode::success;
}

ClientId Lifecycle::assign_client_id() {
    constexpr std::string_view digits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::uniform_int_distribution<std::size_t> any{0, digits.size() - 1};
    for (;;) {
        std::string id = "keepmq_";
        for (int i = 0; i < 20; ++i) id.push_back(digits[any(core_.random)]);
        if (!core_.sessions.find(id) && (!core_.peers || core_.peers->is_home(id)))
            return ClientId{std::move(id)};
    }
}

/// CONNACK with an error, then close [MQTT-3.2.2-7].
void Lifecycle::refuse(Connection& connection, ReasonCode reason) {
    ++core_.stats.refused_connects;
    mqtt::Connack answer;
    answer.reason = reason;
    core_.send(connection, answer);
    close(connection);
}

void Lifecycle::take_over(Session& session, bool clean_start, Now now) {
    const auto key = session.key;
    if (session.connection) {
        ++core_.stats.takeovers;
        // The will of the old connection is void if its session goes on and it had a delay
        // [MQTT-3.1.3-9]; a session that is discarded publishes it at its end.
        const bool continues = !clean_start && session.lasting();
        const bool delayed = session.will && session.will->delay > 0;
        if (continues && delayed)
            drop_will(session);
        end(*session.connection,
            {.reason = "takenover", .say = ReasonCode::session_taken_over},
            now);  // [MQTT-3.1.4-3]
    }
    // A session that did not last is gone by now.
    Session* left = core_.sessions.find(key);
    if (!left)
        return;
    if (clean_start)
        end_session(*left, "discarded", now);  // [MQTT-3.1.2-4]
    else
        drop_will(*left);
}

void Lifecycle::adopt(Connection& connection,
                      Session& session,
                      const mqtt::Connect& packet,
                      Now now) {
    connection.state = Connection::State::connected;
    connection.session = &session;
    connection.heard = now.steady;
    connection.receive_maximum = packet.receive_maximum;
    connection.alias_maximum = packet.topic_alias_maximum;
    connection.maximum_packet_size = packet.maximum_packet_size;
    connection.connect_expiry = packet.session_expiry_interval;

    session.connection = &connection;
    core_.subscriptions.connected(session, true);
    session.set_user(packet.username.value_or(std::string_view{}));
    session.peerhost = *std::exchange(connection.peerhost, nullptr);
    session.peer_port = connection.peer_port;
    session.version = packet.version;
    session.clean_start = packet.clean_start;
    session.expiry_interval = session_expiry(packet);
    session.connected_at = now.wall;
    session.expires_at.reset();
    session.keep_alive = packet.keep_alive;
    if (packet.version == ProtocolVersion::v5 && core_.limits.server_keep_alive)
        session.keep_alive = *core_.limits.server_keep_alive;  // [MQTT-3.1.2-21]
    keep(session);
    if (packet.will) {
        session.will = make_will(session, *packet.will);
        keep_will(session, now);
    }

    const std::chrono::duration<double> patience{session.keep_alive *
                                                 core_.limits.keep_alive_factor};
    connection.patience = std::chrono::duration_cast<SteadyTime::duration>(patience);
    if (session.keep_alive != 0)
        core_.timers.arm(connection.alarm,
                         now.steady + connection.patience,
                         Timers::Kind::connection,
                         static_cast<std::uint64_t>(connection.id));
}

std::uint32_t Lifecycle::session_expiry(const mqtt::Connect& packet) const {
    const auto most = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        core_.limits.max_session_expiry.count(), 0, Session::never_expires));
    if (packet.version == ProtocolVersion::v5)
        return std::min(packet.session_expiry_interval, most);
    if (packet.clean_start)
        return 0;
    const auto of_3x = std::clamp<std::int64_t>(
        core_.limits.session_expiry_of_3x.count(), 1, Session::never_expires);
    return std::min(static_cast<std::uint32_t>(of_3x), most);
}

void Lifecycle::send_connack(Connection& connection,
                             const Session& session,
                             const mqtt::Connect& packet,
                             bool assigned,
                             bool session_present) {
    const auto& limits = core_.limits;
    mqtt::Connack answer;
    answer.session_present = session_present;  // [MQTT-3.2.2-2, MQTT-3.2.2-3]
    if (connection.is_v5()) {
        const auto set_unless = [](auto& property, auto value, auto usual) {
            if (value != usual)
                property = value;
        };
        if (session.expiry_interval != packet.session_expiry_interval)
            answer.session_expiry_interval = session.expiry_interval;
        set_unless(answer.receive_maximum, limits.receive_maximum, std::uint16_t{65'535});
        set_unless(answer.maximum_qos, limits.max_qos, Qos::exactly_once);
        set_unless(answer.retain_available, limits.retain_available, true);
        answer.maximum_packet_size = limits.max_packet_size;
        if (assigned)
            answer.assigned_client_identifier = session.client.view();  // [MQTT-3.2.2-16]
        set_unless(answer.topic_alias_maximum, limits.max_topic_alias, std::uint16_t{0});
        set_unless(answer.wildcard_subscription_available, limits.wildcard_subscription, true);
        set_unless(answer.shared_subscription_available, limits.shared_subscription, true);
        if (limits.server_keep_alive)
            answer.server_keep_alive = *limits.server_keep_alive;
    }
    core_.send(connection, answer);
}

}  // namespace keepmq::broker
