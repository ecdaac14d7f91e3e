// Deliveries as bytes: copies of one encoding, Topic Aliases, properties [MQTT 5.0, 3.3].

#include <set>

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

using Pair = std::pair<std::string, std::string>;

/// What a subscriber should find in its outbox.
std::string encoded(const mqtt::Publish& packet, ProtocolVersion version) {
    std::string bytes;
    mqtt::encode(packet, version, bytes);
    return bytes;
}

void fill_properties(mqtt::PublishProperties& to) {
    to.payload_format_indicator = 1;
    to.message_expiry_interval = 77;
    to.content_type = "text/plain";
    to.response_topic = "answer/here";
    to.correlation_data = std::string_view{"\0\x01\xFF", 3};
    to.user_properties = {{"b", "1"}, {"a", "2"}, {"b", "1"}};
}

struct Case {
    ProtocolVersion version = v5;
    int qos = 0;
    bool retain = false;
    Client* client = nullptr;
};

/// Subscribers of every version and QoS, with and without Retain As Published, twice each, so that
/// the second one gets a copy. Every other one has another Packet Identifier next.
std::vector<Case> subscribers(World& world) {
    std::vector<Case> all;
    for (const auto version : {v3_1, v3, v5}) {
        for (int qos = 0; qos <= 2; ++qos) {
            for (int i = 0; i < 4; ++i) {
                const bool retain = version == v5 && i >= 2;
                auto& client = world.connect("s" + std::to_string(all.size()), version);
                client.send(subscribe_packet({{.filter = "t/u",
                                               .qos = static_cast<Qos>(qos),
                                               .retain_as_published = retain}}));
                if (i % 2 == 1 && qos > 0) {
                    client.subscribe("other", 1);
                    world.broker.publish_internal(
                        TopicName{"other"}, "x", Qos::at_least_once, false, world.now);
                    world.run();
                    client.unsubscribe("other");
                }
                client.take();
                all.push_back({version, qos, retain, &client});
            }
        }
    }
    return all;
}

mqtt::PacketId packet_id(const Case& subscriber) {
    mqtt::Packet read;
    const mqtt::DecodeOptions options{.version = subscriber.version,
                                      .sender = mqtt::Sender::server};
    EXPECT_EQ(mqtt::decode(subscriber.client->unsent(), options, read).status,
              mqtt::DecodeStatus::complete);
    const auto* publish = std::get_if<mqtt::Publish>(&read);
    return publish ? publish->packet_id : mqtt::PacketId{0};
}

/// Packet Identifiers that were used; 0 for QoS 0.
std::set<mqtt::PacketId> expect_direct_encoding(const std::vector<Case>& subscribers,
                                                const mqtt::Publish& published) {
    std::set<mqtt::PacketId> ids;
    for (const auto& one : subscribers) {
        auto expected = published;
        expected.qos = std::min(published.qos, static_cast<Qos>(one.qos));
        expected.retain = published.retain && one.retain;
        // It is in its place, or the rest would not be equal.
        expected.packet_id = packet_id(one);
        ids.insert(expected.packet_id);
        EXPECT_EQ(one.client->unsent(), encoded(expected, one.version));
    }
    return ids;
}

void acknowledge(const std::vector<Case>& subscribers) {
    for (const auto& one : subscribers) {
        for (const auto& got : one.client->messages()) {
            if (got.qos == Qos::at_least_once)
                one.client->puback(got.packet_id);
            if (got.qos == Qos::exactly_once) {
                one.client->pubrec(got.packet_id);
                one.client->pubcomp(got.packet_id);
            }
        }
        one.client->take();
    }
}

TEST(Encode, CopiesAreEqualToTheDirectEncoding) {
    World world;
    const auto all = subscribers(world);
    auto& publisher = world.connect("p");
    // Around the sizes at which Remaining Length grows.
    for (const std::size_t size :
         {0U, 1U, 100U, 118U, 119U, 120U, 121U, 122U, 123U, 16'370U, 16'380U}) {
        for (int kind = 0; kind < 12; ++kind) {
            SCOPED_TRACE("payload of " + std::to_string(size) + " kind " + std::to_string(kind));
            const std::string payload(size, static_cast<char>(kind));
            const int qos = kind % 3;
            auto packet = publish_packet("t/u", payload, qos, qos == 0 ? 0 : 1);
            packet.retain = kind / 3 % 2 == 1;
            if (kind >= 6)
                fill_properties(packet.properties);
            world.write_outboxes = false;
            publisher.send(packet);
            const auto ids = expect_direct_encoding(all, packet);
            EXPECT_GE(ids.size(), qos == 0 ? 1U : 3U);
            world.write_outboxes = true;
            world.run();
            acknowledge(all);
            publisher.pubrel(1);
        }
    }
}

TEST(Encode, PropertiesArePassedOnAsTheyCame) {
    // [MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20]
    World world;
    auto& modern = world.connect("a", v5);
    auto& older = world.connect("b", v3);
    modern.subscribe("t");
    older.subscribe("t");
    auto packet = publish_packet("t", "x");
    fill_properties(packet.properties);
    world.connect("p").send(packet);
    const auto got = modern.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].payload_format, 1);
    EXPECT_EQ(got[0].expiry, 77U);
    EXPECT_EQ(got[0].content_type, "text/plain");
    EXPECT_EQ(got[0].response_topic, "answer/here");
    EXPECT_EQ(got[0].correlation_data, (std::string{"\0\x01\xFF", 3}));
    EXPECT_THAT(got[0].user_properties,
                ElementsAre(Pair{"b", "1"}, Pair{"a", "2"}, Pair{"b", "1"}));
    EXPECT_THAT(older.payloads(), ElementsAre("x"));
}

TEST(Encode, NoPropertyIsLeftFromTheMessageBefore) {
    World world;
    auto packet = connect_packet("s");
    packet.topic_alias_maximum = 5;  // not a copy
    auto& client = world.connect(packet);
    client.subscribe("t");
    client.take();
    auto& publisher = world.connect("p");
    auto rich = publish_packet("t", "x");
    fill_properties(rich.properties);
    publisher.send(rich);
    publisher.publish("t", "y");
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(2));
    EXPECT_FALSE(got[1].payload_format);
    EXPECT_FALSE(got[1].expiry);
    EXPECT_FALSE(got[1].content_type);
    EXPECT_FALSE(got[1].response_topic);
    EXPECT_FALSE(got[1].correlation_data);
    EXPECT_THAT(got[1].user_properties, IsEmpty());
}

TEST(Encode, EachSubscriberOfOneMessageGetsItsOwnIdentifiers) {
    World world;
    auto& first = world.connect("a");
    auto& second = world.connect("b");
    auto& plain = world.connect("c");
    first.send(subscribe_packet({{.filter = "t"}}, 100, 7));
    second.send(subscribe_packet({{.filter = "t"}}, 100, 8));
    plain.subscribe("t");
    world.connect("p").publish("t", "x");
    EXPECT_THAT(first.messages().at(0).identifiers, ElementsAre(7U));
    EXPECT_THAT(second.messages().at(0).identifiers, ElementsAre(8U));
    EXPECT_THAT(plain.messages().at(0).identifiers, IsEmpty());
}

struct AliasesOut : ::testing::Test {
    Client& subscriber(std::uint16_t maximum, bool clean_start = true, std::uint32_t size = 0) {
        auto packet = connect_packet("s", v5, clean_start, 100);
        packet.topic_alias_maximum = maximum;
        packet.maximum_packet_size = size;
        auto& client = world.connect(packet);
        client.subscribe("#", 1);
        client.take();
        return client;
    }
    /// Topic and alias as the client sees them.
    static std::vector<std::string> seen(Client& client) {
        std::vector<std::string> all;
        for (const auto& one : client.messages())
            all.push_back(one.topic + ":" + std::to_string(one.alias));
        return all;
    }

    World world;
    Client& publisher = world.connect("p");
};

TEST_F(AliasesOut, AreUsedUpToTheClientsMaximum) {
    // [MQTT-3.1.2-26, MQTT-3.3.2-11, MQTT-3.3.2-8]
    auto& client = subscriber(2);
    for (const auto* topic : {"a", "b", "c", "a", "b", "c"}) publisher.publish(topic, "x");
    EXPECT_THAT(seen(client), ElementsAre("a:1", "b:2", "c:0", ":1", ":2", "c:0"));
}

TEST_F(AliasesOut, AreNotUsedWhereTheClientTakesNone) {
    // [MQTT-3.1.2-27]
    auto& client = subscriber(0);
    publisher.publish("a", "x");
    publisher.publish("a", "x");
    EXPECT_THAT(seen(client), ElementsAre("a:0", "a:0"));
}

TEST_F(AliasesOut, EndWithTheConnection) {
    // [MQTT-3.3.2-7]
    auto& first = subscriber(5);
    publisher.publish("a", "1", 1, 1);
    EXPECT_THAT(seen(first), ElementsAre("a:1"));
    first.lose();
    auto packet = connect_packet("s", v5, false, 100);
    packet.topic_alias_maximum = 5;
    auto& second = world.connect(packet);
    publisher.publish("a", "2");
    EXPECT_THAT(seen(second), ElementsAre("a:1", ":1"));
}

TEST_F(AliasesOut, ADroppedMessageGivesNoAlias) {
    auto& client = subscriber(5, true, 30);
    publisher.publish("a", std::string(50, 'x'));
    publisher.publish("a", "fits");
    EXPECT_THAT(seen(client), ElementsAre("a:1"));
}

TEST_F(AliasesOut, ANewAliasIsNoReasonToDropAMessage) {
    auto& client = subscriber(5, true, 30);
    // Fixed header 2, topic 3, properties 1, payload: 30 bytes without the alias.
    publisher.publish("a", std::string(24, 'x'));
    EXPECT_THAT(seen(client), ElementsAre("a:0"));
    publisher.publish("a", std::string(25, 'x'));
    EXPECT_THAT(seen(client), IsEmpty());
    EXPECT_EQ(world.stats().dropped_too_large, 1U);
}

TEST_F(AliasesOut, AClientThatOffersManyDoesNotCostMuchMemory) {
    auto& client = subscriber(65'535);
    for (int i = 0; i < 2'000; ++i) publisher.publish("t/" + std::to_string(i), "x");
    const auto got = client.messages();
    ASSERT_THAT(got, SizeIs(2'000));
    EXPECT_EQ(got[1'023].alias, 1'024);
    EXPECT_EQ(got[1'024].alias, 0);
}

}  // namespace
}  // namespace keepmq::broker::testing
