#include "runtime/limits.hpp"

namespace keepmq::runtime {
namespace {

broker::SharedStrategy strategy_of(const std::string& name) {
    if (name == "random")
        return broker::SharedStrategy::random;
    if (name == "sticky")
        return broker::SharedStrategy::sticky;
    if (name == "hash")
        return broker::SharedStrategy::hash;
    return broker::SharedStrategy::round_robin;
}

}  // namespace

broker::Limits limits_of(const config::Settings& settings) {
    const auto& mqtt = settings.mqtt;
    broker::Limits limits;
    limits.max_packet_size = mqtt.max_packet_size;
    limits.max_client_id_length = mqtt.max_clientid_len;
    limits.max_topic_levels = mqtt.max_topic_levels;
    limits.max_qos = mqtt.max_qos_allowed;
    limits.max_topic_alias = mqtt.max_topic_alias;
    limits.retain_available = mqtt.retain_available;
    limits.wildcard_subscription = mqtt.wildcard_subscription;
    limits.shared_subscription = mqtt.shared_subscription;
    limits.connect_timeout = mqtt.connect_timeout;
    limits.server_keep_alive = mqtt.server_keepalive;
    limits.keep_alive_factor = mqtt.keepalive_backoff * 2;
    limits.receive_maximum = mqtt.receive_maximum;
    limits.max_inflight = mqtt.max_inflight;
    limits.max_awaiting_rel = mqtt.max_awaiting_rel;
    limits.max_queue_length = mqtt.max_mqueue_len;
    limits.max_queue_bytes = mqtt.max_mqueue_bytes;
    limits.queue_qos0 = mqtt.mqueue_store_qos0;
    limits.max_subscriptions = mqtt.max_subscriptions;
    limits.session_expiry_of_3x = mqtt.session_expiry_interval;
    limits.max_session_expiry = mqtt.max_session_expiry_interval;
    limits.max_sessions = mqtt.max_sessions;
    limits.max_connections = mqtt.max_connections;
    limits.max_outbox = mqtt.max_outgoing_buffer;
    limits.max_retained = mqtt.max_retained_messages;
    limits.shared_strategy = strategy_of(mqtt.shared_subscription_strategy);
    limits.replay_page = settings.replay.page_size;
    limits.replay_buffer = settings.replay.buffer;
    limits.replay_deadline = settings.replay.deadline;
    return limits;
}

}  // namespace keepmq::runtime
