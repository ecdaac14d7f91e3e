#include "load/frame.hpp"

#include <gtest/gtest.h>

#include "mqtt/codec.hpp"

namespace keepmq::load {
namespace {

using mqtt::ProtocolVersion;

template <class Packet>
std::string encoded(const Packet& packet, ProtocolVersion version) {
    std::string out;
    mqtt::encode(packet, version, out);
    return out;
}

mqtt::Publish message() {
    mqtt::Publish packet;
    packet.topic = "a/b";
    packet.qos = Qos::exactly_once;
    packet.packet_id = 0x1234;
    packet.payload = "payload";
    return packet;
}

TEST(Frame, ReadsAMessageOfEachVersion) {
    for (const auto version :
         {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5}) {
        auto packet = message();
        if (version == ProtocolVersion::v5)
            packet.properties.content_type = "text/plain";
        const auto bytes = encoded(packet, version);
        Frame frame;
        const auto read = bytes + "next";
        ASSERT_EQ(read_frame(read, version, frame), Framing::complete);
        EXPECT_EQ(frame.type, FrameType::publish);
        EXPECT_EQ(frame.qos, Qos::exactly_once);
        EXPECT_EQ(frame.packet_id, 0x1234);
        EXPECT_EQ(frame.topic, "a/b");
        EXPECT_EQ(frame.payload, "payload");
        EXPECT_EQ(frame.bytes, bytes);
    }
}

TEST(Frame, ReadsAMessageWithoutIdentifierAndPayload) {
    auto packet = message();
    packet.qos = Qos::at_most_once;
    packet.packet_id = 0;
    packet.payload = {};
    Frame frame;
    const auto bytes = encoded(packet, ProtocolVersion::v3_1_1);
    ASSERT_EQ(read_frame(bytes, ProtocolVersion::v3_1_1, frame), Framing::complete);
    EXPECT_EQ(frame.qos, Qos::at_most_once);
    EXPECT_EQ(frame.payload, "");
}

TEST(Frame, WaitsForAllBytesOfALargeMessage) {
    auto packet = message();
    const std::string payload(20'000, 'x');  // three bytes of length
    packet.payload = payload;
    const auto bytes = encoded(packet, ProtocolVersion::v5);
    Frame frame;
    for (const std::size_t size : {0UL, 1UL, 2UL, 3UL, 4UL, bytes.size() - 1})
        EXPECT_EQ(read_frame(bytes.substr(0, size), ProtocolVersion::v5, frame),
                  Framing::incomplete);
    ASSERT_EQ(read_frame(bytes, ProtocolVersion::v5, frame), Framing::complete);
    EXPECT_EQ(frame.payload, payload);
}

TEST(Frame, ReadsAcknowledgementsWithAndWithoutReason) {
    const auto refused = mqtt::ReasonCode::quota_exceeded;
    const auto bytes = encoded(mqtt::Puback{7, refused, {}, {}}, ProtocolVersion::v5);
    Frame frame;
    ASSERT_EQ(read_frame(bytes, ProtocolVersion::v5, frame), Framing::complete);
    EXPECT_EQ(frame.type, FrameType::puback);
    EXPECT_EQ(frame.packet_id, 7);
    EXPECT_EQ(frame.reason, refused);

    for (const auto type :
         {FrameType::puback, FrameType::pubrec, FrameType::pubrel, FrameType::pubcomp}) {
        std::string out;
        append_ack(type, 0xABCD, out);
        ASSERT_EQ(read_frame(out, ProtocolVersion::v3_1_1, frame), Framing::complete);
        EXPECT_EQ(frame.type, type);
        EXPECT_EQ(frame.packet_id, 0xABCD);
        EXPECT_EQ(frame.reason, mqtt::ReasonCode::success);
        mqtt::Packet packet;
        const mqtt::DecodeOptions options{ProtocolVersion::v3_1_1, mqtt::Sender::client};
        EXPECT_EQ(mqtt::decode(out, options, packet).status, mqtt::DecodeStatus::complete);
    }
}

TEST(Frame, RefusesWhatCannotBeAPacket) {
    using namespace std::string_view_literals;
    Frame frame;
    for (const auto bytes : {
             "\x30\xFF\xFF\xFF\xFF\x01"sv,  // a length of five bytes
             "\x30\x03\x00\x09x"sv,         // the topic is longer than the packet
             "\x36\x02\x00\x00"sv,          // QoS 3
             "\x40\x01\x00"sv,              // half an identifier
             "\x10\x00"sv,                  // CONNECT
         })
        EXPECT_EQ(read_frame(bytes, ProtocolVersion::v3_1_1, frame), Framing::illegal);
}

}  // namespace
}  // namespace keepmq::load
