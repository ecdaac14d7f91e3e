// Lifecycle: connections and sessions end, and what the clock does to them.

#include "broker/core.hpp"

namespace keepmq::broker {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

namespace {

constexpr std::chrono::seconds retained_sweep{10};
constexpr std::size_t retained_sweep_budget = 10'000;

std::string_view reason_text(ReasonCode reason) {
    switch (reason) {
        case ReasonCode::success:
            return "normal";
        case ReasonCode::disconnect_with_will_message:
            return "normal_with_will";
        case ReasonCode::keep_alive_timeout:
            return "keepalive_timeout";
        case ReasonCode::session_taken_over:
            return "takenover";
        case ReasonCode::administrative_action:
            return "kicked";
        case ReasonCode::server_shutting_down:
            return "shutdown";
        default:
            return mqtt::to_string(reason);
    }
}

}  // namespace

void Lifecycle::on_disconnect(Connection& connection, const mqtt::Disconnect& packet, Now now) {
    Session& session = *connection.session;
    if (connection.is_v5() && packet.session_expiry_interval) {
        // A session that CONNECT did not want cannot be wished for at the end
        // [MQTT 5.0, 3.14.2.2.2].
        if (connection.connect_expiry == 0 && *packet.session_expiry_interval != 0) {
            protocol_error(connection, ReasonCode::protocol_error, now);
            return;
        }
        mqtt::Connect changed;
        changed.session_expiry_interval = *packet.session_expiry_interval;
        session.expiry_interval = session_expiry(changed);
    }
    const bool will = packet.reason != ReasonCode::success;  // [MQTT-3.14.4-3]
    end(connection, {.reason = reason_text(packet.reason), .will = will}, now);
}

void Lifecycle::on_refused(Connection& connection,
                           ReasonCode reason,
                           std::optional<ProtocolVersion> version_hint,
                           Now now) {
    ++core_.stats.protocol_errors;
    if (connection.state == Connection::State::connected) {
        // A second CONNECT may be refused with a code that DISCONNECT does not know
        // [MQTT-3.14.2-1].
        const bool of_connack = reason == ReasonCode::unsupported_protocol_version ||
                                reason == ReasonCode::client_identifier_not_valid;
        const auto said = of_connack ? ReasonCode::protocol_error : reason;
        end(connection, {.reason = reason_text(reason), .say = said}, now);
        return;
    }
    if (connection.state != Connection::State::opened)
        return;
    ++core_.stats.refused_connects;
    // Before 5.0 only some refusals have a return code; for others there is nothing to say.
    const bool sayable = version_hint && (*version_hint == ProtocolVersion::v5 ||
                                          reason == ReasonCode::unsupported_protocol_version ||
                                          reason == ReasonCode::client_identifier_not_valid);
    if (sayable) {
        connection.version = *version_hint;
        mqtt::Connack answer;
        answer.reason = reason;
        core_.send(connection, answer);
    }
    close(connection);
}

void Lifecycle::protocol_error(Connection& connection, ReasonCode reason, Now now) {
    ++core_.stats.protocol_errors;
    if (connection.state == Connection::State::opened)
        close(connection);
    else
        end(connection, {.reason = reason_text(reason), .say = reason}, now);
}

void Lifecycle::disconnect(Connection& connection, ReasonCode reason, Now now) {
    end(connection, {.reason = reason_text(reason), .say = reason}, now);
}

void Lifecycle::close(Connection& connection) {
    connection.state = Connection::State::closed;
    --core_.stats.connections;
    core_.effects.emplace_back(Close{connection.id});
}

void Lifecycle::end(Connection& connection, const Ending& ending, Now now) {
    if (connection.state == Connection::State::closed)
        return;
    const bool was_connected = connection.state == Connection::State::connected;
    connection.outbox.drop_held();
    if (was_connected && ending.say && connection.is_v5()) {
        mqtt::Disconnect last;
        last.reason = *ending.say;
        core_.send(connection, last);
    }
    if (ending.by_peer) {
        connection.state = Connection::State::closed;
        --core_.stats.connections;
    } else {
        close(connection);
    }
    connection.acks.clear();
    connection.aliases.reset();
    if (Session* session = std::exchange(connection.session, nullptr))
        leave(*session, ending, now);
}

/// The session loses its connection.
void Lifecycle::leave(Session& session, const Ending& ending, Now now) {
    session.connection = nullptr;
    core_.subscriptions.connected(session, false);
    session.disconnected_at = now.wall;
    core_.outbound.suspend(session);
    core_.raise(Hook::client_disconnected, [&] {
        return ClientDisconnected{
            session.who(), now.wall, session.connected_at, std::string{ending.reason}};
    });
    if (!ending.will)
        drop_will(session);  // [MQTT-3.1.2-10]
    if (session.will) {
        if (session.will->delay == 0)
            publish_will(session, now);  // [MQTT-3.1.2-8]
        else
            session.will->due = now.steady + std::chrono::seconds{session.will->delay};
    }
    if (!session.lasting()) {
        end_session(session, "expired", now);  // [MQTT-3.1.2-23]
        return;
    }
    if (session.expiry_interval != Session::never_expires)
        session.expires_at = now.steady + std::chrono::seconds{session.expiry_interval};
    keep(session);
    if (session.will)
        keep_will(session, now);
    arm(session);
}

void Lifecycle::end_session(Session& session, std::string_view reason, Now now) {
    publish_will(session, now);  // a delay ends with the session
    core_.raise(Hook::session_terminated, [&] {
        return SessionTerminated{session.who(), now.wall, std::string{reason}};
    });
    core_.inbound.forget(session);
    core_.subscriptions.remove_all(session);
    core_.replay.drop_all(session);
    core_.outbound.discard(session, now);
    if (session.kept != 0)
        core_.journal.add(SessionGone{session.kept});
    --core_.stats.sessions;
    core_.sessions.erase(session);
}

void Lifecycle::arm(Session& session) {
    auto next = SteadyTime::max();
    if (session.will && session.will->due)
        next = std::min(next, *session.will->due);
    if (session.expires_at)
        next = std::min(next, *session.expires_at);
    if (next != SteadyTime::max())
        core_.timers.arm(session.alarm, next, Timers::Kind::session, session.key);
}

void Lifecycle::on_timer(const Timers::Entry& due, Now now) {
    switch (due.kind) {
        case Timers::Kind::connection:
            if (auto* connection = core_.find(ConnectionId{due.key}))
                check_connection(*connection, due, now);
            break;
        case Timers::Kind::session:
            if (auto* session = core_.sessions.find(due.key);
                session && Timers::accept(session->alarm, due))
                check_session(*session, now);
            break;
        case Timers::Kind::fence:
            core_.replay.on_deadline(due, now);
            break;
        case Timers::Kind::retained:
            if (Timers::accept(core_.retained_alarm, due)) {
                core_.retained.expire(now.wall, retained_sweep_budget, [&](const Message& message) {
                    core_.router.forget_retained(message.topic);
                });
                if (core_.retained.size() > 0)
                    core_.timers.arm(core_.retained_alarm,
                                     now.steady + retained_sweep,
                                     Timers::Kind::retained,
                                     0);
            }
            break;
    }
}

void Lifecycle::check_connection(Connection& connection, const Timers::Entry& due, Now now) {
    if (!Timers::accept(connection.alarm, due) || connection.state == Connection::State::closed ||
        connection.patience == SteadyTime::duration::zero())
        return;
    if (connection.paused)
        connection.heard = now.steady;
    const auto deadline = connection.heard + connection.patience;
    if (deadline > now.steady) {
        core_.timers.arm(connection.alarm, deadline, Timers::Kind::connection, due.key);
        return;
    }
    if (connection.state == Connection::State::opened) {
        close(connection);
        return;
    }
    ++core_.stats.keep_alive_timeouts;
    end(connection,
        {.reason = "keepalive_timeout", .say = ReasonCode::keep_alive_timeout},
        now);  // [MQTT-3.1.2-22]
}

void Lifecycle::check_session(Session& session, Now now) {
    if (session.will && session.will->due && *session.will->due <= now.steady)
        publish_will(session, now);
    if (!session.connection && session.expires_at && *session.expires_at <= now.steady)
        end_session(session, "expired", now);
    else
        arm(session);
}

}  // namespace keepmq::broker
