#include <array>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto server = Sender::server;

TEST(Connack, OfEachVersion) {  // [MQTT-3.2.2-1]
    expect_wire(Connack{}, v3_1, server, "20 02 00 00");
    expect_wire(Connack{}, v3_1_1, server, "20 02 00 00");
    expect_wire(Connack{}, v5, server, "20 03 00 00 00");
}

TEST(Connack, SessionPresent) {
    expect_wire(Connack{.session_present = true}, v3_1_1, server, "20 02 01 00");
    expect_wire(Connack{.session_present = true}, v5, server, "20 03 01 00 00");
}

TEST(Connack, HasNoSessionPresentIn31) {
    std::string wire;
    encode(Connack{.session_present = true}, v3_1, wire);
    EXPECT_EQ(wire, bytes("20 02 00 00"));
    expect_decoded(Connack{}, v3_1, server, "20 02 ff 00");
}

TEST(Connack, SessionPresentIsZeroWhenRefused) {  // [MQTT-3.2.2-6]
    const Connack refusing{.session_present = true, .reason = ReasonCode::not_authorized};
    std::string wire;
    encode(refusing, v5, wire);
    encode(refusing, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("20 03 00 87 00 20 02 00 05"));
    expect_refused(ReasonCode::protocol_error, v5, server, "20 03 01 87 00");
    expect_refused(ReasonCode::protocol_error, v3_1_1, server, "20 02 01 05");
}

TEST(Connack, ReturnCodesOf3) {
    constexpr std::array reasons{ReasonCode::success,
                                 ReasonCode::unsupported_protocol_version,
                                 ReasonCode::client_identifier_not_valid,
                                 ReasonCode::server_unavailable,
                                 ReasonCode::bad_user_name_or_password,
                                 ReasonCode::not_authorized};
    for (std::size_t code = 0; code < reasons.size(); ++code) {
        const auto wire = "20 02 00 0" + std::to_string(code);
        expect_wire(Connack{.reason = reasons[code]}, v3_1, server, wire);
        expect_wire(Connack{.reason = reasons[code]}, v3_1_1, server, wire);
    }
    expect_refused(ReasonCode::protocol_error, v3_1_1, server, "20 02 00 06");
}

TEST(Connack, OtherReasonsHaveTheNearestReturnCode) {
    const auto code_of = [](ReasonCode reason) {
        std::string wire;
        encode(Connack{.reason = reason}, v3_1_1, wire);
        return static_cast<int>(wire.back());
    };
    EXPECT_EQ(code_of(ReasonCode::banned), 5);
    EXPECT_EQ(code_of(ReasonCode::bad_authentication_method), 5);
    EXPECT_EQ(code_of(ReasonCode::server_busy), 3);
    EXPECT_EQ(code_of(ReasonCode::quota_exceeded), 3);
    EXPECT_EQ(code_of(ReasonCode::use_another_server), 3);
    EXPECT_EQ(code_of(ReasonCode::malformed_packet), 3);
}

TEST(Connack, ReservedFlags) {  // [MQTT-3.2.2-1]
    expect_refused(ReasonCode::malformed_packet, v5, server, "20 03 02 00 00");
    expect_refused(ReasonCode::malformed_packet, v3_1_1, server, "20 02 80 00");
}

TEST(Connack, ReasonMustBeOneOfItsTable) {  // [MQTT-3.2.2-8]
    expect_refused(ReasonCode::protocol_error, v5, server, "20 03 00 01 00");
    expect_refused(ReasonCode::protocol_error, v5, server, "20 03 00 8e 00");
    expect_refused(ReasonCode::protocol_error, v5, server, "20 03 00 ff 00");
    for (const unsigned code : {0x80U, 0x84U, 0x8AU, 0x8CU, 0x90U, 0x9AU, 0x9DU, 0x9FU}) {
        const Packet packet = Connack{.reason = static_cast<ReasonCode>(code)};
        std::string wire;
        encode(packet, v5, wire);
        Packet read;
        EXPECT_EQ(decode(wire, {.version = v5, .sender = server}, read).status,
                  DecodeStatus::complete);
        EXPECT_TRUE(read == packet);
    }
}

TEST(Connack, AllProperties) {
    Connack connack;
    connack.session_expiry_interval = 1;
    connack.receive_maximum = 2;
    connack.maximum_qos = Qos::at_least_once;
    connack.retain_available = false;
    connack.maximum_packet_size = 3;
    connack.assigned_client_identifier = "id";
    connack.topic_alias_maximum = 4;
    connack.reason_string = "rs";
    connack.wildcard_subscription_available = true;
    connack.subscription_identifier_available = true;
    connack.shared_subscription_available = false;
    connack.server_keep_alive = 5;
    connack.response_information = "ri";
    connack.server_reference = "sr";
    connack.authentication_method = "am";
    connack.authentication_data = "ad";
    connack.user_properties = {{"a", "b"}};
    expect_wire(
        connack,
        v5,
        server,
        "20 45 00 00 42 11 00000001 21 0002 24 01 25 00 27 00000003 12 0002 'id' 22 0004"
        "1f 0002 'rs' 28 01 29 01 2a 00 13 0005 1a 0002 'ri' 1c 0002 'sr' 15 0002 'am' 16 0002 'ad'"
        "26 0001 'a' 0001 'b'");
}

TEST(Connack, MaximumQosTwoIsTheDefaultAndNotWritten) {
    std::string wire;
    encode(Connack{.maximum_qos = Qos::exactly_once}, v5, wire);
    EXPECT_EQ(wire, bytes("20 03 00 00 00"));
    expect_wire(Connack{.maximum_qos = Qos::at_most_once}, v5, server, "20 05 00 00 02 24 00");
}

TEST(Connack, PropertiesOutOfTheirRange) {
    for (const auto* property : {"03 21 0000",
                                 "05 27 00000000",
                                 "02 24 02",
                                 "02 25 02",
                                 "02 28 02",
                                 "02 29 02",
                                 "02 2a 02"}) {
        const auto size = static_cast<char>(bytes(property).size() + 2);
        const auto wire = std::string{"20 "} + (size < 10 ? "0" : "") + std::to_string(size) +
                          " 00 00 " + property;
        expect_refused(ReasonCode::protocol_error, v5, server, wire);
    }
}

TEST(Connack, TrailingBytes) {
    expect_refused(ReasonCode::malformed_packet, v3_1_1, server, "20 03 00 00 00");
    expect_refused(ReasonCode::malformed_packet, v5, server, "20 04 00 00 00 00");
    expect_refused(ReasonCode::malformed_packet, v5, server, "20 02 00 00");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
