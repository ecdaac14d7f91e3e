#include "broker/snapshots.hpp"

namespace keepmq::broker {

SessionSnapshot snapshot(const Session& session) {
    SessionSnapshot to;
    to.client = session.client;
    to.username = session.user();
    to.peerhost = session.peerhost;
    to.port = session.peer_port;
    to.connected = session.connection != nullptr;
    to.protocol_level = static_cast<int>(session.version);
    to.clean_start = session.clean_start;
    to.keep_alive = session.keep_alive;
    to.expiry_interval = session.expiry_interval;
    to.connected_at = session.connected_at;
    to.disconnected_at = session.disconnected_at;
    to.created_at = session.created_at;
    to.subscriptions = session.subscriptions.size();
    to.queued = session.queue.size();
    to.inflight = session.inflight.size();
    to.awaiting_rel = session.incoming.size();
    to.dropped = session.dropped;
    to.messages_received = session.messages_received;
    to.messages_sent = session.messages_sent;
    return to;
}

bool visit_subscriptions(const Session& session,
                         const std::function<bool(const SubscriptionSnapshot&)>& visit) {
    for (const auto& [name, subscription] : session.subscriptions) {
        SubscriptionSnapshot to;
        to.client = session.client;
        to.filter = subscription->as_subscribed;
        to.qos = subscription->qos;
        to.no_local = subscription->no_local;
        to.retain_as_published = subscription->retain_as_published;
        to.retain_handling = static_cast<int>(subscription->retain_handling);
        if (!visit(to))
            return false;
    }
    return true;
}

}  // namespace keepmq::broker
