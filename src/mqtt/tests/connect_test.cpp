#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto never = 0xFFFFFFFFU;
constexpr auto malformed = ReasonCode::malformed_packet;

/// A refused CONNECT; the version that a CONNECT carries does not depend on the options.
void refused(ReasonCode reason, std::string_view wire) {
    expect_refused(reason, v3_1_1, Sender::client, wire);
    expect_refused(reason, v5, Sender::client, wire);
}

void accepted(const Connect& connect, std::string_view wire) {
    expect_wire(connect, v3_1_1, Sender::client, wire);
    expect_wire(connect, v5, Sender::client, wire);
}

/// Version of the CONNACK with which a refused CONNECT is answered.
ProtocolVersion answer_version(std::string_view wire) {
    Packet packet;
    EXPECT_EQ(decode(bytes(wire), {}, packet).status, DecodeStatus::refused);
    const auto* connect = std::get_if<Connect>(&packet);
    EXPECT_NE(connect, nullptr);
    return connect != nullptr ? connect->version : v3_1;
}

TEST(Connect, ShortestOf31) {
    accepted({.version = v3_1, .keep_alive = 60, .client_id = "a"},
             "10 0f 0006 'MQIsdp' 03 02 003c 0001 'a'");
}

TEST(Connect, ShortestOf311) {
    accepted({.version = v3_1_1, .keep_alive = 60, .client_id = ""},
             "10 0c 0004 'MQTT' 04 02 003c 0000");
}

TEST(Connect, ShortestOf5) {  // [MQTT-2.2.2-1]
    accepted({.version = v5, .keep_alive = 60, .client_id = ""},
             "10 0d 0004 'MQTT' 05 02 003c 00 0000");
}

TEST(Connect, CleanSessionBecomesSessionExpiry) {
    accepted({.version = v3_1_1,
              .clean_start = false,
              .client_id = "a",
              .session_expiry_interval = never},
             "10 0d 0004 'MQTT' 04 00 0000 0001 'a'");
    accepted(
        {.version = v3_1, .clean_start = false, .client_id = "a", .session_expiry_interval = never},
        "10 0f 0006 'MQIsdp' 03 00 0000 0001 'a'");
    accepted({.version = v5, .clean_start = false, .client_id = "a"},
             "10 0e 0004 'MQTT' 05 00 0000 00 0001 'a'");
}

// [MQTT-3.1.2-9] [MQTT-3.1.2-17] [MQTT-3.1.2-19] [MQTT-3.1.3-1] [MQTT-3.1.3-3]
TEST(Connect, AllFieldsOf311InTheirOrder) {
    const Will will{.topic = "w/t", .payload = "bye", .qos = Qos::exactly_once, .retain = true};
    accepted(
        {.version = v3_1_1,
         .client_id = "id",
         .username = "user",
         .password = "pass",
         .will = will},
        "10 24 0004 'MQTT' 04 f6 0000 0002 'id' 0003 'w/t' 0003 'bye' 0004 'user' 0004 'pass'");
}

TEST(Connect, AllFieldsOf31) {
    const Will will{.topic = "w", .payload = "", .qos = Qos::at_least_once};
    accepted({.version = v3_1, .client_id = "id", .username = "u", .password = "p", .will = will},
             "10 1b 0006 'MQIsdp' 03 ce 0000 0002 'id' 0001 'w' 0000 0001 'u' 0001 'p'");
}

TEST(Connect, AllPropertiesOf5) {
    Connect connect{.version = v5, .keep_alive = 1, .client_id = "c"};
    connect.session_expiry_interval = 0x01020304;
    connect.receive_maximum = 10;
    connect.maximum_packet_size = 1000;
    connect.topic_alias_maximum = 5;
    connect.request_response_information = true;
    connect.request_problem_information = false;
    connect.authentication_method = "m";
    connect.authentication_data = "dd";
    connect.user_properties = {{"k", "v"}, {"k", "v"}};
    accepted(connect,
             "10 39 0004 'MQTT' 05 02 0001 2b 11 01020304 21 000a 27 000003e8 22 0005 19 01 17 00"
             "15 0001 'm' 16 0002 'dd' 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 0001 'c'");
}

TEST(Connect, AllPropertiesOfAWill) {
    Will will{.topic = "t", .payload = "", .qos = Qos::at_least_once};
    const auto payload = bytes("00 ff");
    will.payload = payload;
    will.delay_interval = 9;
    will.properties = {.payload_format_indicator = 1,
                       .message_expiry_interval = 2,
                       .content_type = "ct",
                       .response_topic = "r",
                       .correlation_data = "",
                       .user_properties = {{"", ""}}};
    accepted({.version = v5, .client_id = "", .will = will},
             "10 32 0004 'MQTT' 05 0e 0000 00 0000 1d 18 00000009 01 01 02 00000002 03 0002 'ct' "
             "08 0001 'r'"
             "09 0000 26 0000 0000 0001 't' 0002 00 ff");
}

TEST(Connect, PropertiesWithDefaultValues) {
    expect_decoded(Connect{.version = v5, .client_id = ""},
                   v5,
                   Sender::client,
                   "10 1a 0004 'MQTT' 05 02 0000 0d 11 00000000 21 ffff 22 0000 17 01 0000");
}

TEST(Connect, UnsupportedVersionNamesTheFormOfTheAnswer) {  // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
    constexpr auto unsupported = ReasonCode::unsupported_protocol_version;
    refused(unsupported, "10 0c 0004 'MQTT' 06 02 003c 0000");
    refused(unsupported, "10 0c 0004 'MQTT' 03 02 003c 0000");
    refused(unsupported, "10 0e 0006 'MQIsdp' 04 02 003c 0000");
    refused(unsupported, "10 0c 0004 'mqtt' 04 02 003c 0000");
    refused(unsupported, "10 0c 0004 'AMQP' 05 02 003c 0000");
    EXPECT_EQ(answer_version("10 0c 0004 'MQTT' 06 02 003c 0000"), v5);
    EXPECT_EQ(answer_version("10 0c 0004 'MQTT' 03 02 003c 0000"), v3_1_1);
    EXPECT_EQ(answer_version("10 0e 0006 'MQIsdp' 04 02 003c 0000"), v3_1_1);
    EXPECT_EQ(answer_version("10 0c 0004 'AMQP' 05 02 003c 0000"), v3_1_1);
}

TEST(Connect, RefusedPacketNamesItsVersion) {
    EXPECT_EQ(answer_version("10 0d 0004 'MQTT' 05 03 003c 00 0000"), v5);
    EXPECT_EQ(answer_version("10 0c 0004 'MQTT' 04 03 003c 0000"), v3_1_1);
    EXPECT_EQ(answer_version("10 0e 0006 'MQIsdp' 03 18 003c 0000"), v3_1);
}

TEST(Connect, ReservedFlag) {  // [MQTT-3.1.2-3] [MQTT-3.1.4-1]
    refused(malformed, "10 0c 0004 'MQTT' 04 03 003c 0000");
    refused(malformed, "10 0d 0004 'MQTT' 05 03 003c 00 0000");
    expect_decoded(Connect{.version = v3_1, .keep_alive = 60, .client_id = "a"},
                   v3_1,
                   Sender::client,
                   "10 0f 0006 'MQIsdp' 03 03 003c 0001 'a'");
}

TEST(Connect, WillFlagsWithoutAWill) {  // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
    for (const auto* flags : {"0a", "12", "22"}) {
        refused(malformed, std::string{"10 0c 0004 'MQTT' 04 "} + flags + "003c 0000");
        refused(malformed, std::string{"10 0d 0004 'MQTT' 05 "} + flags + "003c 00 0000");
    }
}

TEST(Connect, WillQosThree) {  // [MQTT-3.1.2-12]
    refused(malformed, "10 12 0004 'MQTT' 04 1e 003c 0000 0001 'w' 0001 'p'");
    refused(malformed, "10 14 0004 'MQTT' 05 1e 003c 00 0000 00 0001 'w' 0001 'p'");
}

TEST(Connect, WillWithoutItsFields) {  // [MQTT-3.1.2-9]
    refused(malformed, "10 0c 0004 'MQTT' 04 06 003c 0000");
    refused(malformed, "10 0d 0004 'MQTT' 05 06 003c 00 0000");
}

TEST(Connect, WillTopic) {  // [MQTT-3.1.3-11]
    refused(ReasonCode::topic_name_invalid, "10 11 0004 'MQTT' 04 06 003c 0000 0001 '#' 0000");
    refused(ReasonCode::topic_name_invalid, "10 10 0004 'MQTT' 04 06 003c 0000 0000 0000");
    refused(malformed, "10 11 0004 'MQTT' 04 06 003c 0000 0001 ff 0000");
}

TEST(Connect, PasswordNeedsAUsernameBefore5) {  // [3.1.1/MQTT-3.1.2-22]
    refused(malformed, "10 0f 0004 'MQTT' 04 42 003c 0000 0001 'p'");
    refused(malformed, "10 11 0006 'MQIsdp' 03 42 003c 0000 0001 'p'");
    accepted({.version = v5, .keep_alive = 60, .client_id = "", .password = "p"},
             "10 10 0004 'MQTT' 05 42 003c 00 0000 0001 'p'");
}

TEST(Connect, PasswordWithoutAUsernameIsNotWrittenBefore5) {
    std::string wire;
    encode(Connect{.version = v3_1_1, .client_id = "", .password = "p"}, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("10 0c 0004 'MQTT' 04 02 0000 0000"));
}

TEST(Connect, FieldsMustAgreeWithTheFlags) {  // [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18]
                                              // [MQTT-3.1.2-19]
    refused(malformed, "10 0f 0004 'MQTT' 04 02 003c 0000 0001 'u'");  // name without flag
    refused(malformed, "10 0c 0004 'MQTT' 04 82 003c 0000");           // flag without name
    refused(malformed,
            "10 12 0004 'MQTT' 04 82 003c 0000 0001 'u' 0001 'p'");    // password without flag
    refused(malformed, "10 0f 0004 'MQTT' 04 c2 003c 0000 0001 'u'");  // flag without password
    refused(malformed, "10 10 0004 'MQTT' 05 02 003c 00 0000 0001 'u'");
    refused(malformed, "10 10 0004 'MQTT' 05 c2 003c 00 0000 0001 'u'");
}

TEST(Connect, NamesMayLackIn31) {
    const Connect connect{.version = v3_1, .client_id = "a"};
    expect_decoded(connect, v3_1, Sender::client, "10 0f 0006 'MQIsdp' 03 82 0000 0001 'a'");
    expect_decoded(connect, v3_1, Sender::client, "10 0f 0006 'MQIsdp' 03 c2 0000 0001 'a'");
}

TEST(Connect, ClientIdIsMissingOrNotUtf8) {  // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
    refused(malformed, "10 0a 0004 'MQTT' 04 02 003c");
    refused(malformed, "10 0d 0004 'MQTT' 04 02 003c 0001 ff");
    refused(malformed, "10 0d 0004 'MQTT' 04 02 003c 0001 00");
}

TEST(Connect, UsernameIsUtf8AndPasswordIsBinary) {  // [MQTT-3.1.3-12]
    refused(malformed, "10 0f 0004 'MQTT' 04 82 003c 0000 0001 ff");
    const auto password = bytes("ff 00");
    accepted({.version = v3_1_1, .client_id = "", .username = "u", .password = password},
             "10 13 0004 'MQTT' 04 c2 0000 0000 0001 'u' 0002 ff00");
}

TEST(Connect, ByteOrderMarkIsKept) {  // [MQTT-1.5.4-3]
    accepted({.version = v3_1_1, .client_id = "\xef\xbb\xbf"},
             "10 0f 0004 'MQTT' 04 02 0000 0003 efbbbf");
}

TEST(Connect, LimitsMustNotBeZero) {
    refused(ReasonCode::protocol_error, "10 10 0004 'MQTT' 05 02 0000 03 21 0000 0000");
    refused(ReasonCode::protocol_error, "10 12 0004 'MQTT' 05 02 0000 05 27 00000000 0000");
}

TEST(Connect, FlagPropertiesAreZeroOrOne) {
    refused(ReasonCode::protocol_error, "10 0f 0004 'MQTT' 05 02 0000 02 17 02 0000");
    refused(ReasonCode::protocol_error, "10 0f 0004 'MQTT' 05 02 0000 02 19 02 0000");
}

TEST(Connect, AuthenticationDataNeedsAMethod) {
    refused(ReasonCode::protocol_error, "10 10 0004 'MQTT' 05 02 0000 03 16 0000 0000");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
