#include <array>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

constexpr std::array versions{v3_1, v3_1_1, v5};
constexpr std::array senders{Sender::client, Sender::server};

template <class T>
struct Head;
template <>
struct Head<Puback> {
    static constexpr auto* byte = "40 ";
    static constexpr auto reason = ReasonCode::not_authorized;
};
template <>
struct Head<Pubrec> {
    static constexpr auto* byte = "50 ";
    static constexpr auto reason = ReasonCode::quota_exceeded;
};
template <>
struct Head<Pubrel> {  // [MQTT-3.6.1-1]
    static constexpr auto* byte = "62 ";
    static constexpr auto reason = ReasonCode::packet_identifier_not_found;
};
template <>
struct Head<Pubcomp> {
    static constexpr auto* byte = "70 ";
    static constexpr auto reason = ReasonCode::packet_identifier_not_found;
};

std::string hex(ReasonCode reason) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = static_cast<unsigned>(reason);
    return {digits[value >> 4U], digits[value & 15U]};
}

template <class T>
class Acknowledgement : public ::testing::Test {
  protected:
    static std::string wire(std::string_view rest) { return Head<T>::byte + std::string{rest}; }
    static void refused(ReasonCode reason, ProtocolVersion version, std::string_view rest) {
        for (const auto sender : senders) expect_refused(reason, version, sender, wire(rest));
    }
};
using Types = ::testing::Types<Puback, Pubrec, Pubrel, Pubcomp>;
TYPED_TEST_SUITE(Acknowledgement, Types);

TYPED_TEST(Acknowledgement, OfSuccessHasFourBytes) {
    for (const auto version : versions)
        for (const auto sender : senders)
            expect_wire(TypeParam{.packet_id = 0x1234}, version, sender, this->wire("02 1234"));
}

TYPED_TEST(Acknowledgement, WithAReason) {
    const auto reason = Head<TypeParam>::reason;
    expect_wire(TypeParam{.packet_id = 1, .reason = reason},
                v5,
                Sender::client,
                this->wire("03 0001 " + hex(reason)));
}

TYPED_TEST(Acknowledgement, WithProperties) {
    TypeParam packet{.packet_id = 1, .reason_string = "no", .user_properties = {{"k", "v"}}};
    expect_wire(
        packet, v5, Sender::server, this->wire("10 0001 00 0c 1f 0002 'no' 26 0001 'k' 0001 'v'"));
}

TYPED_TEST(Acknowledgement, LongFormOfSuccessIsRead) {
    expect_decoded(TypeParam{.packet_id = 1}, v5, Sender::client, this->wire("03 0001 00"));
    expect_decoded(TypeParam{.packet_id = 1}, v5, Sender::client, this->wire("04 0001 00 00"));
}

TYPED_TEST(Acknowledgement, HasNoReasonBefore5) {
    const auto reason = Head<TypeParam>::reason;
    std::string wire;
    encode(TypeParam{.packet_id = 1, .reason = reason, .reason_string = "x"}, v3_1_1, wire);
    EXPECT_EQ(wire, bytes(this->wire("02 0001")));
    this->refused(ReasonCode::malformed_packet, v3_1_1, "03 0001 00");
}

TYPED_TEST(Acknowledgement, PacketIdentifierZero) {
    for (const auto version : versions)
        this->refused(ReasonCode::malformed_packet, version, "02 0000");
}

// [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
TYPED_TEST(Acknowledgement, ReasonMustBeOneOfItsTable) {
    this->refused(ReasonCode::protocol_error, v5, "03 0001 01");
    this->refused(ReasonCode::protocol_error, v5, "03 0001 82");
    this->refused(ReasonCode::protocol_error, v5, "03 0001 ff");
}

TYPED_TEST(Acknowledgement, PropertiesOfOthers) {
    this->refused(ReasonCode::malformed_packet, v5, "07 0001 00 03 23 0001");
    this->refused(ReasonCode::protocol_error, v5, "0a 0001 00 06 1f 0000 1f 0000");
}

TYPED_TEST(Acknowledgement, TrailingBytes) {
    this->refused(ReasonCode::malformed_packet, v5, "05 0001 00 00 00");
}

TEST(Puback, KnowsNoMatchingSubscribers) {
    expect_wire(Puback{.packet_id = 1, .reason = ReasonCode::no_matching_subscribers},
                v5,
                Sender::server,
                "40 03 0001 10");
    expect_refused(ReasonCode::protocol_error, v5, Sender::server, "62 03 0001 10");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
