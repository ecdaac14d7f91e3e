// From bytes to packets: however the network cuts them.

#include "net/tests/support.hpp"

namespace keepmq::net::test {
namespace {

using mqtt::ProtocolVersion;

const std::vector<std::string> conversation{
    "connect c", "publish a/b hello", "subscribe", "pingreq", "disconnect"};

std::string conversation_bytes() {
    constexpr auto version = ProtocolVersion::v5;
    mqtt::Publish publish;
    publish.topic = "a/b";
    publish.payload = "hello";
    publish.qos = Qos::at_least_once;
    publish.packet_id = 7;
    publish.properties.content_type = "text/plain";
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 8;
    subscribe.entries.emplace_back().filter = "a/#";
    return bytes_of(connect_packet(version), version) + bytes_of(publish, version) +
           bytes_of(subscribe, version) + bytes_of(mqtt::Pingreq{}, version) +
           bytes_of(mqtt::Disconnect{}, version);
}

using ReadingTest = ConnectionTest;

TEST_F(ReadingTest, PacketsMayBeCutAtEveryByte) {
    const auto bytes = conversation_bytes();
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        connect();
        connection->start();
        send(std::string_view{bytes}.substr(0, cut));
        settle();
        send(std::string_view{bytes}.substr(cut));
        ASSERT_TRUE(until([&] { return events.packets.size() >= conversation.size(); }))
            << "cut at " << cut;
        ASSERT_EQ(conversation, events.packets) << "cut at " << cut;
    }
}

TEST_F(ReadingTest, PacketsMayComeByteByByte) {
    connection->start();
    const auto bytes = conversation_bytes();
    for (const char byte : bytes) {
        send({&byte, 1});
        settle();
    }
    EXPECT_EQ(conversation, events.packets);
    EXPECT_EQ(bytes.size(), context.bytes_received);
}

TEST_F(ReadingTest, SeveralPacketsInOneRead) {
    connection->start();
    send(conversation_bytes());
    ASSERT_TRUE(until([&] { return events.packets.size() == conversation.size(); }));
    EXPECT_EQ(conversation, events.packets);
    EXPECT_EQ(2, events.asked) << "at the start, and after CONNECT";
}

/// More than the buffer and than one turn reads, in pieces that do not end at packets.
TEST_F(ReadingTest, AStreamOfPacketsKeepsItsOrder) {
    connection->start();
    std::string bytes;
    std::vector<std::string> expected;
    for (int i = 0; bytes.size() < 8 * ReadContext::buffer_size; ++i) {
        const auto payload =
            std::to_string(i) + ' ' + std::string(static_cast<std::size_t>(i % 80), 'x');
        bytes += publish_bytes("t", payload);
        expected.push_back("publish t " + payload);
    }
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto part = rest.substr(0, 99'991);
        send(part);
        settle();
        rest.remove_prefix(part.size());
    }
    ASSERT_TRUE(until([&] { return events.packets.size() >= expected.size(); }));
    EXPECT_EQ(expected, events.packets);
}

TEST_F(ReadingTest, APacketMayBeLargerThanTheBuffer) {
    connection->start();
    const auto size = 3 * ReadContext::buffer_size + 17;
    const auto bytes = publish_bytes("big", std::string(size, 'x')) + publish_bytes("t", "next");
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto part = rest.substr(0, 50'000);
        send(part);
        settle();
        rest.remove_prefix(part.size());
    }
    ASSERT_TRUE(until([&] { return events.packets.size() == 2; }));
    EXPECT_EQ("publish big " + std::to_string(size) + " bytes", events.packets[0]);
    EXPECT_EQ("publish t next", events.packets[1]);
}

TEST_F(ReadingTest, TheLimitOfThePacketSizeIsThatOfTheOwner) {
    events.options.maximum_packet_size = 1000;
    connection->start();
    send(publish_bytes("t", std::string(2000, 'x')).substr(0, 10));
    ASSERT_TRUE(until([&] { return !events.refusals.empty(); }));
    EXPECT_EQ(mqtt::ReasonCode::packet_too_large, events.refusals[0]);
}

TEST_F(ReadingTest, NothingIsReadAfterARefusal) {
    connection->start();
    send(publish_bytes("t", "good") + std::string{"\x00\x00", 2} + publish_bytes("t", "never"));
    ASSERT_TRUE(until([&] { return !events.refusals.empty(); }));
    send(publish_bytes("t", "never"));
    settle();
    EXPECT_EQ(std::vector<std::string>{"publish t good"}, events.packets);
    EXPECT_EQ(1U, events.refusals.size());
    EXPECT_EQ(0, events.closed);
}

TEST_F(ReadingTest, ARefusedConnectTellsItsVersion) {
    connection->start();
    auto bytes = bytes_of(connect_packet(ProtocolVersion::v5), ProtocolVersion::v5);
    bytes[9] |= 0x01;  // the reserved flag
    send(bytes);
    ASSERT_TRUE(until([&] { return !events.refusals.empty(); }));
    EXPECT_EQ(ProtocolVersion::v5, events.refused_version);
}

TEST_F(ReadingTest, LastWordsCanFollowARefusal) {
    events.on_refusal = [&] {
        EXPECT_EQ(4U, connection->write("bye!"));
        connection->close_gracefully();
    };
    connection->start();
    send(std::string{"\x00\x00", 2});
    EXPECT_EQ("bye!", receive(4));
    receive(1);
    EXPECT_TRUE(ended);
    peer->close();
    EXPECT_TRUE(until([&] { return events.gone == 1; }));
    EXPECT_EQ(0, events.closed);
}

// --- pause and resume ---------------------------------------------------------------------------

std::vector<std::string> numbered(int count) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back("publish t " + std::to_string(i));
    return texts;
}

std::string numbered_bytes(int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += publish_bytes("t", std::to_string(i));
    return bytes;
}

TEST_F(ReadingTest, APauseKeepsWhatWasRead) {
    events.on = [&] {
        if (events.packets.size() == 3)
            connection->pause_reading();
    };
    connection->start();
    const auto bytes = numbered_bytes(10);
    send(std::string_view{bytes}.substr(0, bytes.size() - 3));
    settle();
    EXPECT_EQ(3U, events.packets.size());
    send(std::string_view{bytes}.substr(bytes.size() - 3));
    settle();
    EXPECT_EQ(3U, events.packets.size());
    connection->resume_reading();
    ASSERT_TRUE(until([&] { return events.packets.size() == 10; }));
    EXPECT_EQ(numbered(10), events.packets);
}

TEST_F(ReadingTest, APauseAfterEachPacketLosesNothing) {
    events.on = [&] { connection->pause_reading(); };
    connection->start();
    send(numbered_bytes(50));
    for (std::size_t i = 1; i <= 50; ++i) {
        ASSERT_TRUE(until([&] { return events.packets.size() >= i; }));
        settle();
        ASSERT_EQ(i, events.packets.size());
        connection->resume_reading();
    }
    EXPECT_EQ(numbered(50), events.packets);
}

TEST_F(ReadingTest, PauseAndResumeInsideACallGoOn) {
    events.on = [&] {
        connection->pause_reading();
        connection->resume_reading();
    };
    connection->start();
    send(numbered_bytes(50));
    ASSERT_TRUE(until([&] { return events.packets.size() == 50; }));
    EXPECT_EQ(numbered(50), events.packets);
}

TEST_F(ReadingTest, APauseWhileIdleHoldsWhatComes) {
    connection->start();
    settle();
    connection->pause_reading();
    send(numbered_bytes(5));
    settle();
    EXPECT_TRUE(events.packets.empty());
    connection->resume_reading();
    connection->pause_reading();
    settle();
    EXPECT_TRUE(events.packets.empty());
    connection->resume_reading();
    ASSERT_TRUE(until([&] { return events.packets.size() == 5; }));
    EXPECT_EQ(numbered(5), events.packets);
}

TEST_F(ReadingTest, APauseHoldsThePeerBackByTcp) {
    connection->start();
    settle();
    connection->pause_reading();
    peer->non_blocking(true);
    const auto bytes = publish_bytes("t", std::string(60'000, 'x'));
    std::size_t sent = 0;
    ErrorCode error;
    std::string stream;
    while (!error) {
        stream = stream.empty() ? bytes : stream;
        const auto count = peer->write_some(asio::buffer(stream), error);
        stream.erase(0, count);
        sent += count;
        settle();
        ASSERT_LT(sent, 256U << 20U) << "nothing holds the peer back";
    }
    EXPECT_EQ(asio::error::would_block, error);
    EXPECT_TRUE(events.packets.empty());
    EXPECT_EQ(0U, context.bytes_received);
}

TEST_F(ReadingTest, TheEndComesAfterWhatWasReadBefore) {
    events.on = [&] {
        if (events.packets.size() == 1)
            connection->pause_reading();
    };
    connection->start();
    send(numbered_bytes(3));
    peer->close();
    settle();
    EXPECT_EQ(1U, events.packets.size());
    EXPECT_EQ(0, events.closed);
    connection->resume_reading();
    ASSERT_TRUE(until([&] { return events.closed == 1; }));
    EXPECT_EQ(numbered(3), events.packets);
}

}  // namespace
}  // namespace keepmq::net::test
