#include <array>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto client = Sender::client;
constexpr auto server = Sender::server;
constexpr auto malformed = ReasonCode::malformed_packet;
constexpr auto protocol_error = ReasonCode::protocol_error;

TEST(Disconnect, NormalOfEachVersion) {
    expect_wire(Disconnect{}, v3_1, client, "e0 00");
    expect_wire(Disconnect{}, v3_1_1, client, "e0 00");
    expect_wire(Disconnect{}, v5, client, "e0 00");
    expect_wire(Disconnect{}, v5, server, "e0 00");
}

TEST(Disconnect, LongFormOfNormalIsRead) {
    expect_decoded(Disconnect{}, v5, client, "e0 01 00");
    expect_decoded(Disconnect{}, v5, client, "e0 02 00 00");
}

TEST(Disconnect, HasNoFieldsBefore5) {
    expect_refused(malformed, v3_1_1, client, "e0 01 00");
    std::string wire;
    encode(Disconnect{.reason = ReasonCode::protocol_error}, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("e0 00"));
}

TEST(Disconnect, WithAReason) {
    expect_wire(
        Disconnect{.reason = ReasonCode::disconnect_with_will_message}, v5, client, "e0 01 04");
    expect_wire(Disconnect{.reason = ReasonCode::session_taken_over}, v5, server, "e0 01 8e");
}

TEST(Disconnect, ReasonMustBeOneOfTheTableOfItsSender) {  // [MQTT-3.14.2-1]
    expect_refused(protocol_error, v5, client, "e0 01 8e");
    expect_refused(protocol_error, v5, server, "e0 01 04");
    expect_refused(protocol_error, v5, client, "e0 01 01");
    expect_refused(protocol_error, v5, server, "e0 01 ff");
}

TEST(Disconnect, WithProperties) {
    const Disconnect from_client{.session_expiry_interval = 5, .user_properties = {{"k", "v"}}};
    expect_wire(from_client, v5, client, "e0 0e 00 0c 11 00000005 26 0001 'k' 0001 'v'");
    const Disconnect from_server{
        .reason = ReasonCode::server_moved, .reason_string = "so", .server_reference = "host"};
    expect_wire(from_server, v5, server, "e0 0e 9d 0c 1f 0002 'so' 1c 0004 'host'");
}

TEST(Disconnect, PropertiesOfTheOtherSide) {  // [MQTT-3.14.2-2]
    expect_refused(protocol_error, v5, server, "e0 07 00 05 11 00000005");
    expect_refused(protocol_error, v5, client, "e0 05 00 03 1c 0000");
}

TEST(Disconnect, ReservedFlags) {  // [MQTT-3.14.1-1]
    expect_refused(malformed, v5, client, "e1 00");
}

TEST(Auth, SuccessMayBeEmpty) {
    expect_wire(Auth{}, v5, server, "f0 00");
    expect_wire(Auth{}, v5, client, "f0 00");
}

TEST(Auth, WithAllProperties) {
    const Auth auth{.reason = ReasonCode::continue_authentication,
                    .authentication_method = "m",
                    .authentication_data = "dd",
                    .reason_string = "r",
                    .user_properties = {{"k", "v"}}};
    for (const auto sender : {client, server})
        expect_wire(auth,
                    v5,
                    sender,
                    "f0 16 18 14 15 0001 'm' 16 0002 'dd' 1f 0001 'r' 26 0001 'k' 0001 'v'");
}

TEST(Auth, NeedsAMethod) {
    expect_refused(protocol_error, v5, client, "f0 02 18 00");
    expect_refused(protocol_error, v5, client, "f0 05 18 03 16 0000");
}

TEST(Auth, ReasonMustBeOneOfItsTable) {  // [MQTT-3.15.2-1]
    expect_refused(protocol_error, v5, client, "f0 06 01 04 15 0001 'm'");
    expect_refused(protocol_error, v5, server, "f0 06 87 04 15 0001 'm'");
}

TEST(Auth, ReservedFlags) {  // [MQTT-3.15.1-1]
    expect_refused(malformed, v5, client, "f1 00");
}

TEST(Auth, DoesNotExistBefore5) {
    std::string wire;
    encode(Auth{}, v3_1_1, wire);
    EXPECT_EQ(wire, "");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
