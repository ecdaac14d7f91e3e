#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto client = Sender::client;
constexpr auto server = Sender::server;
constexpr auto malformed = ReasonCode::malformed_packet;
constexpr auto protocol_error = ReasonCode::protocol_error;

TEST(Subscribe, OneFilter) {
    const Subscribe subscribe{.packet_id = 1,
                              .entries = {{.filter = "a/#", .qos = Qos::at_least_once}}};
    expect_wire(subscribe, v3_1, client, "82 08 0001 0003 'a/#' 01");
    expect_wire(subscribe, v3_1_1, client, "82 08 0001 0003 'a/#' 01");
    expect_wire(subscribe, v5, client, "82 09 0001 00 0003 'a/#' 01");
}

TEST(Subscribe, ManyFiltersAndOptions) {
    Subscribe subscribe{.packet_id = 0x0a0b};
    subscribe.entries = {{.filter = "a", .qos = Qos::exactly_once, .no_local = true},
                         {.filter = "$share/g/b", .retain_as_published = true},
                         {.filter = "+", .retain_handling = RetainHandling::do_not_send}};
    subscribe.subscription_identifier = 300;
    subscribe.user_properties = {{"k", "v"}};
    expect_wire(
        subscribe,
        v5,
        client,
        "82 22 0a0b 0a 0b ac02 26 0001 'k' 0001 'v' 0001 'a' 06 000a '$share/g/b' 08 0001 '+' 20");
}

TEST(Subscribe, OptionsOf5AreLeftOutBefore5) {
    Subscribe subscribe{.packet_id = 1};
    subscribe.entries = {
        {.filter = "a", .qos = Qos::exactly_once, .no_local = true, .retain_as_published = true}};
    subscribe.subscription_identifier = 300;
    std::string wire;
    encode(subscribe, v3_1_1, wire);
    EXPECT_EQ(wire, bytes("82 06 0001 0001 'a' 02"));
}

TEST(Subscribe, WithoutAFilter) {  // [MQTT-3.8.3-2]
    expect_refused(protocol_error, v3_1, client, "82 02 0001");
    expect_refused(protocol_error, v3_1_1, client, "82 02 0001");
    expect_refused(protocol_error, v5, client, "82 03 0001 00");
}

TEST(Subscribe, PacketIdentifierZero) {  // [MQTT-2.2.1-3]
    expect_refused(malformed, v3_1_1, client, "82 06 0000 0001 'a' 00");
    expect_refused(malformed, v5, client, "82 07 0000 00 0001 'a' 00");
}

TEST(Subscribe, FilterIsUtf8) {  // [MQTT-3.8.3-1]
    expect_refused(malformed, v3_1_1, client, "82 06 0001 0001 ff 00");
    expect_refused(malformed, v5, client, "82 07 0001 00 0001 00 00");
}

TEST(Subscribe, FilterIsValid) {  // [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1]
    constexpr auto invalid = ReasonCode::topic_filter_invalid;
    expect_refused(invalid, v3_1_1, client, "82 09 0001 0004 'a/#/' 00");
    expect_refused(invalid, v3_1, client, "82 07 0001 0002 'a+' 00");
    expect_refused(invalid, v3_1_1, client, "82 05 0001 0000 00");
    expect_refused(invalid, v5, client, "82 0a 0001 00 0004 '#/a/' 00");
}

TEST(Subscribe, SharedFilterIsValid) {  // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
    constexpr auto invalid = ReasonCode::topic_filter_invalid;
    expect_refused(invalid, v5, client, "82 0e 0001 00 0008 '$share/g' 00");
    expect_refused(invalid, v5, client, "82 0f 0001 00 0009 '$share//a' 00");
    expect_refused(invalid, v5, client, "82 10 0001 00 000a '$share/+/a' 00");
    expect_refused(invalid, v5, client, "82 11 0001 00 000b '$share/g/a#' 00");
}

TEST(Subscribe, NoLocalOnASharedSubscription) {  // [MQTT-3.8.3-4]
    expect_refused(protocol_error, v5, client, "82 10 0001 00 000a '$share/g/a' 04");
}

TEST(Subscribe, ReservedOptions) {  // [MQTT-3.8.3-5]
    for (const auto* options : {"40", "80", "c0"})
        expect_refused(malformed, v5, client, std::string{"82 07 0001 00 0001 'a' "} + options);
    for (const auto* options : {"04", "08", "10", "20", "40", "80"}) {
        expect_refused(malformed, v3_1_1, client, std::string{"82 06 0001 0001 'a' "} + options);
        expect_refused(malformed, v3_1, client, std::string{"82 06 0001 0001 'a' "} + options);
    }
}

TEST(Subscribe, QosThree) {
    expect_refused(malformed, v3_1_1, client, "82 06 0001 0001 'a' 03");
    expect_refused(malformed, v5, client, "82 07 0001 00 0001 'a' 03");
}

TEST(Subscribe, RetainHandlingThree) {
    expect_refused(protocol_error, v5, client, "82 07 0001 00 0001 'a' 30");
}

TEST(Subscribe, SubscriptionIdentifier) {
    expect_refused(protocol_error, v5, client, "82 09 0001 02 0b 00 0001 'a' 00");
    expect_refused(protocol_error, v5, client, "82 0b 0001 04 0b 01 0b 02 0001 'a' 00");
    expect_refused(malformed, v5, client, "82 0c 0001 05 0b ffffffff 0001 'a' 00");
    expect_refused(malformed, v5, client, "82 0a 0001 03 0b 8100 0001 'a' 00");
}

TEST(Suback, OfEachVersion) {
    Suback suback{.packet_id = 1};
    suback.reasons = {ReasonCode::success,
                      ReasonCode::granted_qos_1,
                      ReasonCode::granted_qos_2,
                      ReasonCode::unspecified_error};
    expect_wire(suback, v3_1, server, "90 06 0001 00 01 02 80");
    expect_wire(suback, v3_1_1, server, "90 06 0001 00 01 02 80");
    expect_wire(suback, v5, server, "90 07 0001 00 00 01 02 80");
}

TEST(Suback, EveryErrorIs80Before5) {  // [3.1.1/MQTT-3.9.3-2]
    std::string wire;
    encode(
        Suback{.packet_id = 1, .reasons = {ReasonCode::not_authorized, ReasonCode::quota_exceeded}},
        v3_1_1,
        wire);
    EXPECT_EQ(wire, bytes("90 04 0001 80 80"));
}

TEST(Suback, WithProperties) {
    const Suback suback{.packet_id = 1,
                        .reasons = {ReasonCode::not_authorized},
                        .reason_string = "no",
                        .user_properties = {{"k", "v"}}};
    expect_wire(suback, v5, server, "90 10 0001 0c 1f 0002 'no' 26 0001 'k' 0001 'v' 87");
}

TEST(Suback, ReasonMustBeOneOfItsTable) {  // [MQTT-3.9.3-2]
    expect_refused(protocol_error, v3_1_1, server, "90 03 0001 03");
    expect_refused(protocol_error, v3_1_1, server, "90 03 0001 87");
    expect_refused(protocol_error, v5, server, "90 04 0001 00 03");
    expect_refused(protocol_error, v5, server, "90 04 0001 00 11");
}

TEST(Suback, WithoutAReason) {
    expect_refused(protocol_error, v3_1_1, server, "90 02 0001");
    expect_refused(protocol_error, v5, server, "90 03 0001 00");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
