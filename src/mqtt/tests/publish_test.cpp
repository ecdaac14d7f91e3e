#include <array>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto client = Sender::client;
constexpr auto server = Sender::server;
constexpr std::array versions{v3_1, v3_1_1, v5};
constexpr auto malformed = ReasonCode::malformed_packet;

TEST(Publish, Qos0HasNoPacketIdentifier) {  // [MQTT-2.2.1-2]
    const Publish publish{.topic = "a/b", .payload = "hi"};
    for (const auto sender : {client, server}) {
        expect_wire(publish, v3_1, sender, "30 07 0003 'a/b' 'hi'");
        expect_wire(publish, v3_1_1, sender, "30 07 0003 'a/b' 'hi'");
        expect_wire(publish, v5, sender, "30 08 0003 'a/b' 00 'hi'");
    }
}

TEST(Publish, Qos1AndRetain) {
    const Publish publish{.qos = Qos::at_least_once,
                          .retain = true,
                          .topic = "t",
                          .packet_id = 0x0102,
                          .payload = "p"};
    expect_wire(publish, v3_1_1, client, "33 06 0001 't' 0102 'p'");
    expect_wire(publish, v5, client, "33 07 0001 't' 0102 00 'p'");
}

TEST(Publish, Qos2Resent) {
    const Publish publish{.dup = true, .qos = Qos::exactly_once, .topic = "t", .packet_id = 65535};
    expect_wire(publish, v3_1_1, client, "3c 05 0001 't' ffff");
    expect_wire(publish, v5, server, "3c 06 0001 't' ffff 00");
}

TEST(Publish, PayloadIsAnyBytesOrNone) {
    const auto payload = bytes("00 ff 80");
    expect_wire(Publish{.topic = "t", .payload = payload}, v3_1_1, client, "30 06 0001 't' 00ff80");
    expect_wire(Publish{.topic = "t"}, v3_1_1, client, "30 03 0001 't'");
}

TEST(Publish, DupWithQos0) {  // [MQTT-3.3.1-2]
    for (const auto version : versions)
        expect_refused(malformed, version, client, "38 04 0001 't' 00");
}

TEST(Publish, QosThree) {  // [MQTT-3.3.1-4]
    for (const auto version : versions)
        expect_refused(malformed, version, client, "36 06 0001 't' 0001 00");
}

TEST(Publish, PacketIdentifierZero) {  // [MQTT-2.2.1-3]
    for (const auto version : versions)
        expect_refused(malformed, version, client, "32 06 0001 't' 0000 00");
}

TEST(Publish, TopicHasNoWildcard) {  // [MQTT-3.3.2-2]
    for (const auto version : versions) {
        expect_refused(ReasonCode::topic_name_invalid, version, client, "30 06 0003 'a/+' 00");
        expect_refused(ReasonCode::topic_name_invalid, version, client, "30 04 0001 '#' 00");
    }
}

TEST(Publish, TopicIsUtf8AndComesFirst) {  // [MQTT-3.3.2-1] [MQTT-1.5.4-1] [MQTT-1.5.4-2]
    for (const auto version : versions) {
        expect_refused(malformed, version, client, "30 00");
        expect_refused(malformed, version, client, "30 04 0001 ff 00");
        expect_refused(malformed, version, client, "30 04 0001 00 00");
        expect_refused(malformed, version, client, "30 06 0003 eda080 00");
        expect_refused(malformed, version, client, "30 04 0003 't' 00");
    }
}

TEST(Publish, TopicIsNotEmptyBefore5) {  // [MQTT-4.7.3-1]
    expect_refused(ReasonCode::topic_name_invalid, v3_1, client, "30 03 0000 'x'");
    expect_refused(ReasonCode::topic_name_invalid, v3_1_1, client, "30 03 0000 'x'");
}

TEST(Publish, TopicOrAlias) {
    expect_refused(ReasonCode::protocol_error, v5, client, "30 03 0000 00");
    expect_wire(Publish{.topic_alias = 7, .payload = "x"}, v5, client, "30 07 0000 03 23 0007 'x'");
    expect_wire(Publish{.topic = "t", .topic_alias = 7}, v5, server, "30 07 0001 't' 03 23 0007");
}

TEST(Publish, TopicAliasZero) {  // [MQTT-3.3.2-8]
    expect_refused(ReasonCode::topic_alias_invalid, v5, client, "30 07 0001 't' 03 23 0000");
}

TEST(Publish, AllProperties) {
    Publish publish{.topic = "t", .topic_alias = 1, .payload = "x"};
    publish.subscription_identifiers = {1, 268'435'455, 1};
    publish.properties = {.payload_format_indicator = 1,
                          .message_expiry_interval = 0,
                          .content_type = "",
                          .response_topic = "r/t",
                          .correlation_data = "\xff",
                          .user_properties = {{"b", "1"}, {"a", "2"}, {"b", "1"}}};
    expect_wire(
        publish,
        v5,
        server,
        "30 3a 0001 't' 35 23 0001 0b 01 0b ffffff7f 0b 01 01 01 02 00000000 03 0000 08 0003 'r/t'"
        "09 0001 ff 26 0001 'b' 0001 '1' 26 0001 'a' 0001 '2' 26 0001 'b' 0001 '1' 'x'");
}

TEST(Publish, PropertiesAreLeftOutBefore5) {
    Publish publish{.topic = "t", .topic_alias = 1, .payload = "x"};
    publish.subscription_identifiers = {1};
    publish.properties.content_type = "c";
    std::string wire;
    encode(publish, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("30 04 0001 't' 'x'"));
    EXPECT_EQ(encoded_size(publish, v3_1_1), wire.size());
}

TEST(Publish, ClientSendsNoSubscriptionIdentifier) {  // [MQTT-3.3.4-6]
    expect_refused(ReasonCode::protocol_error, v5, client, "30 06 0001 't' 02 0b 01");
    expect_refused(ReasonCode::protocol_error, v5, server, "30 06 0001 't' 02 0b 00");
}

TEST(Publish, ResponseTopic) {  // [MQTT-3.3.2-13] [MQTT-3.3.2-14]
    expect_refused(ReasonCode::protocol_error, v5, client, "30 08 0001 't' 04 08 0001 '#'");
    expect_refused(ReasonCode::protocol_error, v5, client, "30 07 0001 't' 03 08 0000");
    expect_refused(malformed, v5, client, "30 08 0001 't' 04 08 0001 ff");
}

TEST(Publish, ContentTypeIsUtf8) {  // [MQTT-3.3.2-19]
    expect_refused(malformed, v5, client, "30 08 0001 't' 04 03 0001 ff");
}

TEST(Publish, PayloadFormatIndicatorIsZeroOrOne) {
    expect_refused(ReasonCode::protocol_error, v5, client, "30 06 0001 't' 02 01 02");
    Publish publish{.topic = "t"};
    publish.properties.payload_format_indicator = 0;
    expect_wire(publish, v5, client, "30 06 0001 't' 02 01 00");
}

TEST(Publish, LongPropertiesHaveALongLength) {
    const std::string value(200, 'v');
    Publish publish{.topic = "t", .payload = "p"};
    publish.properties.user_properties.assign(100, {"name", value});
    const Packet packet = publish;
    std::string wire;
    encode(packet, v5, wire);
    EXPECT_EQ(wire.size(), encoded_size(publish, v5));
    Packet read;
    EXPECT_EQ(decode(wire, {.version = v5}, read).consumed, wire.size());
    EXPECT_TRUE(read == packet);
}

TEST(Publish, TextTooLongForItsLengthIsCut) {
    const std::string topic(70'000, 't');
    const Publish publish{.topic = topic, .payload = "p"};
    std::string wire;
    encode(publish, v3_1_1, wire);
    EXPECT_EQ(wire.size(), encoded_size(publish, v3_1_1));
    Packet read;
    ASSERT_EQ(decode(wire, {.version = v3_1_1}, read).status, DecodeStatus::complete);
    EXPECT_EQ(std::get<Publish>(read).topic.size(), 65'535U);  // [MQTT-4.7.3-3]
    EXPECT_EQ(std::get<Publish>(read).payload, "p");
}

TEST(Publish, ReusedPacketIsClean) {
    Packet packet;
    const auto full =
        bytes("33 1a 0001 't' 0001 13 23 0001 0b 01 01 01 02 00000001 26 0001 'k' 0001 'v' 'p'");
    ASSERT_EQ(decode(full, {.version = v5, .sender = server}, packet).status,
              DecodeStatus::complete);
    const auto* storage = std::get<Publish>(packet).properties.user_properties.data();
    const auto plain = bytes("30 04 0001 'u' 'q'");
    ASSERT_EQ(decode(plain, {.version = v3_1_1}, packet).status, DecodeStatus::complete);
    EXPECT_TRUE(packet == Packet{(Publish{.topic = "u", .payload = "q"})});
    ASSERT_EQ(decode(full, {.version = v5, .sender = server}, packet).status,
              DecodeStatus::complete);
    EXPECT_EQ(std::get<Publish>(packet).properties.user_properties.data(), storage);
    EXPECT_EQ(std::get<Publish>(packet).properties.user_properties.size(), 1U);
}

TEST(Publish, ViewsPointIntoTheInput) {
    const auto wire = bytes("30 07 0003 'a/b' 'hi'");
    Packet packet;
    ASSERT_EQ(decode(wire, {.version = v3_1_1}, packet).status, DecodeStatus::complete);
    EXPECT_EQ(std::get<Publish>(packet).topic.data(), wire.data() + 4);
    EXPECT_EQ(std::get<Publish>(packet).payload.data(), wire.data() + 7);
}

TEST(Publish, EncodeAppends) {
    std::string out = "before";
    encode(Publish{.topic = "t"}, v3_1_1, out);
    EXPECT_EQ(out, "before" + bytes("30 03 0001 't'"));
}

}  // namespace
}  // namespace keepmq::mqtt::testing
