#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto client = Sender::client;
constexpr auto server = Sender::server;
constexpr auto malformed = ReasonCode::malformed_packet;
constexpr auto protocol_error = ReasonCode::protocol_error;

TEST(Unsubscribe, OfEachVersion) {
    const Unsubscribe unsubscribe{.packet_id = 2, .filters = {"a/+", "$share/g/b"}};
    expect_wire(unsubscribe, v3_1, client, "a2 13 0002 0003 'a/+' 000a '$share/g/b'");
    expect_wire(unsubscribe, v3_1_1, client, "a2 13 0002 0003 'a/+' 000a '$share/g/b'");
    expect_wire(unsubscribe, v5, client, "a2 14 0002 00 0003 'a/+' 000a '$share/g/b'");
}

TEST(Unsubscribe, WithProperties) {
    const Unsubscribe unsubscribe{
        .packet_id = 2, .filters = {"a"}, .user_properties = {{"k", "v"}}};
    expect_wire(unsubscribe, v5, client, "a2 0d 0002 07 26 0001 'k' 0001 'v' 0001 'a'");
}

TEST(Unsubscribe, WithoutAFilter) {  // [MQTT-3.10.3-2]
    expect_refused(protocol_error, v3_1, client, "a2 02 0001");
    expect_refused(protocol_error, v3_1_1, client, "a2 02 0001");
    expect_refused(protocol_error, v5, client, "a2 03 0001 00");
}

TEST(Unsubscribe, PacketIdentifierZero) {  // [MQTT-2.2.1-3]
    expect_refused(malformed, v3_1_1, client, "a2 05 0000 0001 'a'");
    expect_refused(malformed, v5, client, "a2 06 0000 00 0001 'a'");
}

TEST(Unsubscribe, FilterIsUtf8) {  // [MQTT-3.10.3-1]
    expect_refused(malformed, v3_1_1, client, "a2 05 0001 0001 ff");
    expect_refused(malformed, v5, client, "a2 06 0001 00 0001 00");
}

TEST(Unsubscribe, FilterIsValid) {
    expect_refused(ReasonCode::topic_filter_invalid, v3_1_1, client, "a2 06 0001 0002 'a#'");
    expect_refused(ReasonCode::topic_filter_invalid, v5, client, "a2 05 0001 00 0000");
    expect_refused(ReasonCode::topic_filter_invalid, v5, client, "a2 0e 0001 00 0009 '$share//a'");
}

TEST(Unsubscribe, PropertiesOfOthers) {
    expect_refused(malformed, v5, client, "a2 08 0001 02 0b 01 0001 'a'");
}

TEST(Unsuback, HasNoReasonsBefore5) {
    expect_wire(Unsuback{.packet_id = 3}, v3_1, server, "b0 02 0003");
    expect_wire(Unsuback{.packet_id = 3}, v3_1_1, server, "b0 02 0003");
    std::string wire;
    encode(Unsuback{.packet_id = 3, .reasons = {ReasonCode::success}}, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("b0 02 0003"));
    expect_refused(malformed, v3_1_1, server, "b0 03 0001 00");
}

TEST(Unsuback, WithReasonsAndProperties) {
    Unsuback unsuback{.packet_id = 3,
                      .reasons = {ReasonCode::success, ReasonCode::no_subscription_existed}};
    expect_wire(unsuback, v5, server, "b0 05 0003 00 00 11");
    unsuback.reason_string = "no";
    unsuback.user_properties = {{"k", "v"}};
    expect_wire(unsuback, v5, server, "b0 11 0003 0c 1f 0002 'no' 26 0001 'k' 0001 'v' 00 11");
}

TEST(Unsuback, ReasonMustBeOneOfItsTable) {  // [MQTT-3.11.3-2]
    expect_refused(protocol_error, v5, server, "b0 04 0001 00 01");
    expect_refused(protocol_error, v5, server, "b0 04 0001 00 97");
    expect_refused(protocol_error, v5, server, "b0 03 0001 00");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
