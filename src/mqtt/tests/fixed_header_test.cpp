#include <array>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr auto client = Sender::client;
constexpr auto server = Sender::server;
constexpr std::array versions{v3_1, v3_1_1, v5};

Decoded decode_text(std::string_view wire, const DecodeOptions& options) {
    Packet packet;
    return decode(bytes(wire), options, packet);
}

TEST(FixedHeader, NothingIsIncomplete) {
    const auto decoded = decode_text("", {});
    EXPECT_EQ(decoded.status, DecodeStatus::incomplete);
    EXPECT_EQ(decoded.wanted, 0U);
}

TEST(FixedHeader, TellsTheWholeSizeAsSoonAsItIsKnown) {
    const DecodeOptions options{.version = v5, .sender = client};
    EXPECT_EQ(decode_text("30", options).wanted, 0U);
    EXPECT_EQ(decode_text("30 80", options).wanted, 0U);
    EXPECT_EQ(decode_text("30 80 01", options).wanted, 131U);
    EXPECT_EQ(decode_text("30 ff ff ff 7f", options).wanted, 268'435'460U);
    EXPECT_EQ(decode_text("30 05 00", options).wanted, 7U);
}

TEST(FixedHeader, RemainingLengthHasAtMostFourBytes) {
    for (const auto version : versions)
        expect_refused(ReasonCode::malformed_packet, version, client, "30 ff ff ff ff");
}

TEST(FixedHeader, RemainingLengthIsInItsShortestForm) {  // [MQTT-1.5.5-1]
    expect_refused(ReasonCode::malformed_packet, v5, client, "c0 80 00");
    expect_refused(ReasonCode::malformed_packet, v5, client, "30 84 00 00 01 'a' 00");
    expect_decoded(Pingreq{}, v3_1_1, client, "c0 80 00");
    expect_decoded(Pingreq{}, v3_1_1, client, "c0 80 80 80 00");
    // CONNECT goes by its own version.
    expect_refused(ReasonCode::malformed_packet,
                   v3_1_1,
                   client,
                   "10 8e 00 00 04 'MQTT' 05 02 0000 00 0001 'a'");
    Packet packet;
    EXPECT_EQ(
        decode(bytes("10 8d 00 00 04 'MQTT' 04 02 0000 0001 'a'"), {.version = v5}, packet).status,
        DecodeStatus::complete);
}

TEST(FixedHeader,
     ReservedFlagsMustHaveTheirValue) {  // [MQTT-2.1.3-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]
    for (unsigned type = 1; type < 16; ++type) {
        if (type == 3)
            continue;
        const bool from_server = type == 2 || type == 9 || type == 11 || type == 13;
        const unsigned right = type == 6 || type == 8 || type == 10 ? 2 : 0;
        for (unsigned flags = 0; flags < 16; ++flags) {
            const std::string first(1, static_cast<char>(type << 4U | flags));
            Packet packet;
            const auto decoded =
                decode(first, {.version = v5, .sender = from_server ? server : client}, packet);
            if (flags == right) {
                EXPECT_EQ(decoded.status, DecodeStatus::incomplete) << type;
            } else {
                EXPECT_EQ(decoded.status, DecodeStatus::refused) << type << ' ' << flags;
                EXPECT_EQ(decoded.reason, ReasonCode::malformed_packet);
            }
        }
    }
}

TEST(FixedHeader,
     FlagsOfPubrelSubscribeUnsubscribe) {  // [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1]
    for (const auto version : versions) {
        expect_refused(ReasonCode::malformed_packet, version, client, "60 02 00 01");
        expect_refused(ReasonCode::malformed_packet, version, client, "80 06 00 01 00 01 'a' 00");
        expect_refused(ReasonCode::malformed_packet, version, client, "a0 05 00 01 00 01 'a'");
    }
}

TEST(FixedHeader, DupIsPartOfResentRequestsOf31Only) {
    expect_decoded(Pubrel{.packet_id = 1}, v3_1, client, "6a 02 00 01");
    expect_refused(ReasonCode::malformed_packet, v3_1_1, client, "6a 02 00 01");
    expect_refused(ReasonCode::malformed_packet, v3_1, client, "c2 00");
}

TEST(FixedHeader, ReservedPacketTypes) {
    for (const auto version : versions)
        expect_refused(ReasonCode::malformed_packet, version, client, "00 00");
    expect_refused(ReasonCode::malformed_packet, v3_1, client, "f0 00");
    expect_refused(ReasonCode::malformed_packet, v3_1_1, client, "f0 00");
}

TEST(FixedHeader, DirectionOfPackets) {
    for (const auto version : versions) {
        for (const auto* from_server : {"20", "90", "b0", "d0"})
            expect_refused(ReasonCode::protocol_error, version, client, from_server);
        for (const auto* from_client : {"10", "82", "a2", "c0"})
            expect_refused(ReasonCode::protocol_error, version, server, from_client);
    }
    expect_refused(ReasonCode::protocol_error, v3_1_1, server, "e0 00");
    expect_refused(ReasonCode::protocol_error, v3_1, server, "e0 00");
}

TEST(FixedHeader, MaximumPacketSizeCountsTheHeaderAndIsAppliedEarly) {
    const DecodeOptions options{.version = v3_1_1, .sender = client, .maximum_packet_size = 10};
    EXPECT_EQ(decode_text("30 08", options).status, DecodeStatus::incomplete);
    const auto decoded = decode_text("30 09", options);
    EXPECT_EQ(decoded.status, DecodeStatus::refused);
    EXPECT_EQ(decoded.reason, ReasonCode::packet_too_large);
}

TEST(FixedHeader, LongRemainingLengths) {
    for (const std::size_t size : {127U, 128U, 16'383U, 16'384U, 2'097'151U, 2'097'152U}) {
        const std::string payload(size - 3, 'p');
        const Packet publish = Publish{.topic = "a", .payload = payload};
        std::string wire;
        encode(publish, v3_1_1, wire);
        Packet read;
        const auto decoded = decode(wire, {.version = v3_1_1}, read);
        EXPECT_EQ(decoded.status, DecodeStatus::complete);
        EXPECT_EQ(decoded.consumed, wire.size());
        EXPECT_TRUE(read == publish);
        EXPECT_EQ(encoded_size(std::get<Publish>(publish), v3_1_1), wire.size());
    }
}

TEST(FixedHeader, ReadsOnePacketAtATime) {
    const auto wire = bytes("c0 00 e0 00");
    Packet packet;
    const auto decoded = decode(wire, {.version = v5}, packet);
    EXPECT_EQ(decoded.consumed, 2U);
    EXPECT_TRUE(std::holds_alternative<Pingreq>(packet));
}

TEST(Ping, HasTwoBytes) {
    for (const auto version : versions) {
        expect_wire(Pingreq{}, version, client, "c0 00");
        expect_wire(Pingresp{}, version, server, "d0 00");
        expect_refused(ReasonCode::malformed_packet, version, client, "c0 01 00");
        expect_refused(ReasonCode::malformed_packet, version, server, "d0 01 00");
    }
}

TEST(ReasonCodes, HaveNames) {
    EXPECT_EQ(to_string(ReasonCode::success), "success");
    EXPECT_EQ(to_string(ReasonCode::wildcard_subscriptions_not_supported),
              "wildcard subscriptions not supported");
    EXPECT_EQ(to_string(static_cast<ReasonCode>(0x7F)), "unknown reason code");
    EXPECT_TRUE(is_error(ReasonCode::unspecified_error));
    EXPECT_FALSE(is_error(ReasonCode::reauthenticate));
}

}  // namespace
}  // namespace keepmq::mqtt::testing
