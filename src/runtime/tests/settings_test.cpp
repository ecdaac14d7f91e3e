// What the settings become: limits of the broker, $SYS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "runtime/limits.hpp"
#include "runtime/sys_topics.hpp"

namespace keepmq::runtime::test {
namespace {

TEST(LimitsOf, TakesEachSetting) {
    config::Settings settings;
    auto& mqtt = settings.mqtt;
    mqtt.max_packet_size = 1;
    mqtt.max_clientid_len = 2;
    mqtt.max_topic_levels = 3;
    mqtt.max_qos_allowed = Qos::at_least_once;
    mqtt.max_topic_alias = 4;
    mqtt.retain_available = false;
    mqtt.wildcard_subscription = false;
    mqtt.shared_subscription = false;
    mqtt.connect_timeout = std::chrono::milliseconds{5};
    mqtt.server_keepalive = 6;
    mqtt.receive_maximum = 7;
    mqtt.max_inflight = 8;
    mqtt.max_awaiting_rel = 9;
    mqtt.max_mqueue_len = 10;
    mqtt.max_mqueue_bytes = 11;
    mqtt.mqueue_store_qos0 = true;
    mqtt.max_subscriptions = 12;
    mqtt.session_expiry_interval = std::chrono::seconds{13};
    mqtt.max_session_expiry_interval = std::chrono::seconds{14};
    mqtt.max_sessions = 15;
    mqtt.max_connections = 16;
    mqtt.max_outgoing_buffer = 17;
    mqtt.max_retained_messages = 18;
    settings.replay = {19, std::chrono::milliseconds{20}, 21};
    const auto limits = limits_of(settings);
    EXPECT_EQ(1U, limits.max_packet_size);
    EXPECT_EQ(2U, limits.max_client_id_length);
    EXPECT_EQ(3U, limits.max_topic_levels);
    EXPECT_EQ(Qos::at_least_once, limits.max_qos);
    EXPECT_EQ(4U, limits.max_topic_alias);
    EXPECT_FALSE(limits.retain_available);
    EXPECT_FALSE(limits.wildcard_subscription);
    EXPECT_FALSE(limits.shared_subscription);
    EXPECT_EQ(std::chrono::milliseconds{5}, limits.connect_timeout);
    EXPECT_EQ(6, limits.server_keep_alive);
    EXPECT_EQ(7U, limits.receive_maximum);
    EXPECT_EQ(8U, limits.max_inflight);
    EXPECT_EQ(9U, limits.max_awaiting_rel);
    EXPECT_EQ(10U, limits.max_queue_length);
    EXPECT_EQ(11U, limits.max_queue_bytes);
    EXPECT_TRUE(limits.queue_qos0);
    EXPECT_EQ(12U, limits.max_subscriptions);
    EXPECT_EQ(std::chrono::seconds{13}, limits.session_expiry_of_3x);
    EXPECT_EQ(std::chrono::seconds{14}, limits.max_session_expiry);
    EXPECT_EQ(15U, limits.max_sessions);
    EXPECT_EQ(16U, limits.max_connections);
    EXPECT_EQ(17U, limits.max_outbox);
    EXPECT_EQ(18U, limits.max_retained);
    EXPECT_EQ(19U, limits.replay_page);
    EXPECT_EQ(std::chrono::milliseconds{20}, limits.replay_deadline);
    EXPECT_EQ(21U, limits.replay_buffer);
}

TEST(LimitsOf, TheDefaultKeepAliveFactorIsThatOfTheClause) {
    EXPECT_DOUBLE_EQ(1.5, limits_of({}).keep_alive_factor);
}

TEST(LimitsOf, KnowsTheStrategies) {
    config::Settings settings;
    const std::map<std::string, broker::SharedStrategy> strategies{
        {"random", broker::SharedStrategy::random},
        {"round_robin", broker::SharedStrategy::round_robin},
        {"sticky", broker::SharedStrategy::sticky},
        {"hash", broker::SharedStrategy::hash}};
    for (const auto& [name, strategy] : strategies) {
        settings.mqtt.shared_subscription_strategy = name;
        EXPECT_EQ(strategy, limits_of(settings).shared_strategy) << name;
    }
}

TEST(SysTopics, HaveTheNamesOfBothBrokers) {
    broker::Stats stats;
    stats.connections = 3;
    stats.sessions = 4;
    stats.messages_received = 5;
    const auto list = sys_topics("n@h", std::chrono::seconds{61}, stats, 70, 80);
    const std::map<std::string, std::string> topics{list.begin(), list.end()};
    EXPECT_EQ(list.size(), topics.size()) << "each topic once";
    EXPECT_EQ("n@h", topics.at("$SYS/brokers"));
    EXPECT_EQ("61", topics.at("$SYS/brokers/n@h/uptime"));
    EXPECT_EQ("61 seconds", topics.at("$SYS/broker/uptime"));
    EXPECT_EQ("3", topics.at("$SYS/brokers/n@h/stats/connections/count"));
    EXPECT_EQ("3", topics.at("$SYS/broker/clients/connected"));
    EXPECT_EQ("4", topics.at("$SYS/broker/clients/total"));
    EXPECT_EQ("5", topics.at("$SYS/broker/messages/received"));
    EXPECT_EQ("70", topics.at("$SYS/broker/bytes/received"));
    EXPECT_EQ("80", topics.at("$SYS/brokers/n@h/metrics/bytes/sent"));
    for (const auto& [topic, payload] : topics)
        EXPECT_TRUE(topic.starts_with("$SYS/broker")) << topic;
}

}  // namespace
}  // namespace keepmq::runtime::test
