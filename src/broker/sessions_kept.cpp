// Lifecycle: what of the sessions survives a restart.

#include "broker/core.hpp"

namespace keepmq::broker {

void Lifecycle::keep(Session& session) {
    if (!core_.journal.on())
        return;
    if (!session.lasting()) {
        // It lasted until now, and ends with its present connection.
        if (session.kept == 0)
            return;
        core_.outbound.forget_all(session);
        core_.subscriptions.lasts_no_more(session);
        core_.journal.add(SessionGone{std::exchange(session.kept, 0)});
        return;
    }
    if (session.kept == 0)
        session.kept = core_.journal.next_session();
    SessionKept kept{.session = session.kept,
                     .client = session.client,
                     .username = session.user(),
                     .peerhost = session.peerhost,
                     .peer_port = session.peer_port,
                     .keep_alive = session.keep_alive,
                     .version = session.version,
                     .clean_start = session.clean_start,
                     .expiry_interval = session.expiry_interval,
                     .created_at = session.created_at,
                     .connected_at = session.connected_at,
                     .disconnected_at = {}};
    if (!session.connection)
        kept.disconnected_at = session.disconnected_at;
    core_.journal.add(std::move(kept));
}

Session* Lifecycle::restore(const SessionKept& kept, Now now) {
    core_.journal.used_session(kept.session);
    if (core_.sessions.find(kept.client.view()))
        return nullptr;
    Session& session = core_.sessions.create(kept.client);
    ++core_.stats.sessions;
    session.kept = kept.session;
    session.restored = true;
    session.set_user(kept.username);
    session.peerhost = kept.peerhost;
    session.peer_port = kept.peer_port;
    session.keep_alive = kept.keep_alive;
    session.version = kept.version;
    session.clean_start = kept.clean_start;
    session.expiry_interval = kept.expiry_interval;
    session.created_at = kept.created_at;
    session.connected_at = kept.connected_at;
    // Nobody knows how long one that was connected at the crash stayed so: at most until now.
    session.disconnected_at = kept.disconnected_at.value_or(now.wall);
    if (session.expiry_interval != Session::never_expires)
        session.expires_at = now.steady + (session.disconnected_at - now.wall) +
                             std::chrono::seconds{session.expiry_interval};
    if (!kept.disconnected_at)
        keep(session);
    arm(session);
    return &session;
}

}  // namespace keepmq::broker
