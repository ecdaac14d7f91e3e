#include <array>
#include <map>

#include "mqtt/tests/support.hpp"

namespace keepmq::mqtt::testing {
namespace {

/// A valid value for each property identifier.
const std::map<unsigned, std::string>& values() {
    static const std::map<unsigned, std::string> all{
        {0x01, "01"},   {0x02, "00000001"}, {0x03, "0000"},      {0x08, "0001 'r'"}, {0x09, "0000"},
        {0x0B, "01"},   {0x11, "00000001"}, {0x12, "0000"},      {0x13, "0001"},     {0x15, "0000"},
        {0x16, "0000"}, {0x17, "01"},       {0x18, "00000001"},  {0x19, "01"},       {0x1A, "0000"},
        {0x1C, "0000"}, {0x1F, "0000"},     {0x21, "0001"},      {0x22, "0001"},     {0x23, "0001"},
        {0x24, "01"},   {0x25, "01"},       {0x26, "0000 0000"}, {0x27, "00000001"}, {0x28, "01"},
        {0x29, "01"},   {0x2A, "01"}};
    return all;
}

/// A packet around a place for properties.
struct Carrier {
    const char* name;
    Sender sender;
    std::string first;   ///< fixed header without the length
    std::string before;  ///< variable header before the properties
    std::string after;
    std::string allowed;  ///< property identifiers
};

const std::array<Carrier, 15>& carriers() {
    constexpr auto client = Sender::client;
    constexpr auto server = Sender::server;
    static const std::array<Carrier, 15> all{{
        {"CONNECT", client, "10", "0004 'MQTT' 05 02 0000", "0000", "11 21 27 22 19 17 26 15"},
        {"will",
         client,
         "10",
         "0004 'MQTT' 05 06 0000 00 0000",
         "0001 'w' 0000",
         "18 01 02 03 08 09 26"},
        {"CONNACK",
         server,
         "20",
         "00 00",
         "",
         "11 21 24 25 27 12 22 1f 26 28 29 2a 13 1a 1c 15 16"},
        {"PUBLISH of a client", client, "30", "0001 't'", "", "01 02 23 08 09 26 03"},
        {"PUBLISH of a server", server, "30", "0001 't'", "", "01 02 23 08 09 26 0b 03"},
        {"PUBACK", client, "40", "0001 00", "", "1f 26"},
        {"PUBREC", client, "50", "0001 00", "", "1f 26"},
        {"PUBREL", client, "62", "0001 00", "", "1f 26"},
        {"PUBCOMP", client, "70", "0001 00", "", "1f 26"},
        {"SUBSCRIBE", client, "82", "0001", "0001 'f' 00", "0b 26"},
        {"SUBACK", server, "90", "0001", "00", "1f 26"},
        {"UNSUBSCRIBE", client, "a2", "0001", "0001 'f'", "26"},
        {"UNSUBACK", server, "b0", "0001", "00", "1f 26"},
        {"DISCONNECT of a client", client, "e0", "00", "", "11 1f 26"},
        {"DISCONNECT of a server", server, "e0", "00", "", "1f 26 1c"},
    }};
    return all;
}

std::string with_length(std::string content) {
    return std::string(1, static_cast<char>(content.size())) + content;
}

Decoded decode_with(const Carrier& carrier, std::string_view properties) {
    const auto content =
        bytes(carrier.before) + with_length(std::string{properties}) + bytes(carrier.after);
    const auto wire = bytes(carrier.first) + with_length(content);
    Packet packet;
    return decode(wire, {.version = v5, .sender = carrier.sender}, packet);
}

bool allows(const Carrier& carrier, unsigned id) {
    return bytes(carrier.allowed).find(static_cast<char>(id)) != std::string::npos;
}

/// Known to the packet type, but sent by the wrong side: a protocol error instead of a malformed
/// one.
bool wrong_side(std::string_view name, unsigned id) {
    return (name == "PUBLISH of a client" && id == 0x0B) ||
           (name == "DISCONNECT of a client" && id == 0x1C) ||
           (name == "DISCONNECT of a server" && id == 0x11) || (name == "CONNECT" && id == 0x16);
}

TEST(Properties, EachPacketTakesItsOwnAndNoOther) {
    for (const auto& carrier : carriers()) {
        for (unsigned id = 0; id < 128; ++id) {
            const auto known = values().find(id);
            auto property = std::string(1, static_cast<char>(id));
            property += known != values().end() ? bytes(known->second) : std::string(1, '\1');
            const auto decoded = decode_with(carrier, property);
            if (allows(carrier, id)) {
                EXPECT_EQ(decoded.status, DecodeStatus::complete)
                    << carrier.name << ' ' << id << ": " << decoded.detail;
                continue;
            }
            EXPECT_EQ(decoded.status, DecodeStatus::refused) << carrier.name << ' ' << id;
            EXPECT_EQ(decoded.reason,
                      wrong_side(carrier.name, id) ? ReasonCode::protocol_error
                                                   : ReasonCode::malformed_packet)
                << carrier.name << ' ' << id;
        }
    }
}

TEST(Properties, OnlyUserPropertiesAndSubscriptionIdentifiersRepeat) {
    for (const auto& carrier : carriers()) {
        for (const auto& [id, value] : values()) {
            if (!allows(carrier, id))
                continue;
            const auto property = std::string(1, static_cast<char>(id)) + bytes(value);
            const auto decoded = decode_with(carrier, property + property);
            const bool may = id == 0x26 || (id == 0x0B && std::string_view{carrier.name} ==
                                                              "PUBLISH of a server");
            EXPECT_EQ(decoded.status, may ? DecodeStatus::complete : DecodeStatus::refused)
                << carrier.name << ' ' << id;
            if (!may) {
                EXPECT_EQ(decoded.reason, ReasonCode::protocol_error) << carrier.name << ' ' << id;
            }
        }
    }
}

TEST(Properties, LengthMustCoverWholeProperties) {
    for (const auto& carrier : carriers()) {
        for (const auto& [id, value] : values()) {
            if (!allows(carrier, id))
                continue;
            const auto property = std::string(1, static_cast<char>(id)) + bytes(value);
            for (std::size_t size = 1; size < property.size(); ++size) {
                const auto decoded = decode_with(carrier, property.substr(0, size));
                EXPECT_EQ(decoded.status, DecodeStatus::refused) << carrier.name << ' ' << id;
                EXPECT_EQ(decoded.reason, ReasonCode::malformed_packet)
                    << carrier.name << ' ' << id;
            }
        }
    }
}

TEST(Properties, LengthBeyondThePacket) {
    expect_refused(ReasonCode::malformed_packet, v5, Sender::client, "40 04 0001 00 01");
    expect_refused(ReasonCode::malformed_packet, v5, Sender::client, "30 04 0001 't' 05");
}

TEST(Properties, LengthIsAVariableByteInteger) {  // [MQTT-1.5.5-1]
    expect_refused(ReasonCode::malformed_packet, v5, Sender::client, "30 05 0001 't' 80 00");
    expect_refused(
        ReasonCode::malformed_packet, v5, Sender::client, "30 08 0001 't' 80 80 80 80 01");
}

TEST(Properties, LengthIsAlwaysThereInPublish) {  // [MQTT-2.2.2-1]
    expect_refused(ReasonCode::malformed_packet, v5, Sender::client, "30 03 0001 't'");
    expect_refused(ReasonCode::malformed_packet, v5, Sender::client, "82 06 0001 0001 'f' 00");
}

TEST(Properties, IdentifierInALongForm) {
    expect_refused(
        ReasonCode::malformed_packet, v5, Sender::client, "40 0a 0001 00 06 a6 00 0000 0000");
}

TEST(Properties, UserPropertyStringsAreUtf8) {  // [MQTT-1.5.7-1]
    expect_refused(
        ReasonCode::malformed_packet, v5, Sender::client, "40 0a 0001 00 06 26 0001 ff 0000");
    expect_refused(
        ReasonCode::malformed_packet, v5, Sender::client, "40 0a 0001 00 06 26 0000 0001 00");
}

TEST(Properties, TheFirstFailureIsReported) {
    // Zero packet identifier before a misplaced property.
    expect_refused(
        ReasonCode::malformed_packet, v5, Sender::client, "40 0a 0000 00 06 1f 0000 1f 0000");
}

}  // namespace
}  // namespace keepmq::mqtt::testing
