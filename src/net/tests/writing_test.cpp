// From the owner's bytes to the peer, and how a connection ends.

#include "net/tests/support.hpp"

namespace keepmq::net::test {
namespace {

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) & 0xFFU);
    return bytes;
}

class WritingTest : public ConnectionTest {
  protected:
    /// Hands over what the socket takes. True if it takes no more.
    bool write_on(std::string_view& rest) {
        const auto count = connection->write(rest);
        rest.remove_prefix(count);
        return !rest.empty();
    }
};

TEST_F(WritingTest, SmallWritesArriveAtOnce) {
    connection->start();
    EXPECT_EQ(5U, connection->write("hello"));
    EXPECT_EQ("hello", receive(5));
    EXPECT_EQ(5U, context.bytes_sent);
}

TEST_F(WritingTest, AFullSocketTakesAPartAndSaysWhenItTakesMore) {
    connection->start();
    const auto bytes = pattern(64UL << 20U);
    std::string_view rest = bytes;
    ASSERT_TRUE(write_on(rest));
    EXPECT_EQ(0U, connection->write(rest)) << "it is full";
    connection->await_writable();
    connection->await_writable();
    settle();
    EXPECT_EQ(0, events.writable) << "the peer has read nothing";

    events.on_room = [&] {
        if (write_on(rest))
            connection->await_writable();
    };
    const auto got = receive(bytes.size());
    EXPECT_GT(events.writable, 1);
    EXPECT_TRUE(got == bytes);
    EXPECT_EQ(bytes.size(), context.bytes_sent);
}

TEST_F(WritingTest, AGracefulCloseDeliversTheLastBytes) {
    connection->start();
    const auto bytes = pattern(200'000);
    std::string_view rest = bytes;
    events.on_room = [&] {
        if (write_on(rest))
            connection->await_writable();
        else
            connection->close_gracefully();
    };
    events.on_room();
    send(publish_bytes("t",
                       "too late"));  // unread bytes of the peer must not turn the end into a reset
    const auto got = receive(bytes.size() + 1);
    EXPECT_TRUE(ended);
    EXPECT_TRUE(got == bytes);
    EXPECT_EQ(0, events.gone) << "the peer's end has not come";
    peer->close();
    ASSERT_TRUE(until([&] { return events.gone == 1; }));
    EXPECT_EQ(0, events.closed);
    EXPECT_TRUE(events.packets.empty());
}

/// One that does not close its end, and one that does not even take the last bytes.
TEST_F(WritingTest, APeerThatDoesNothingIsClosedAfterAWhile) {
    connection->start();
    connection->close_gracefully();
    const auto first = std::exchange(connection, nullptr);
    const auto first_peer = std::exchange(peer, std::nullopt);

    connect();
    connection->start();
    const auto bytes = pattern(64UL << 20U);
    std::string_view rest = bytes;
    ASSERT_TRUE(write_on(rest));
    connection->pause_reading();
    connection->await_writable();
    connection->close_soon();

    ASSERT_TRUE(until([&] { return events.gone == 2; }));
    EXPECT_EQ(0, events.closed);
    EXPECT_EQ(0, events.writable);
}

TEST_F(WritingTest, ThePeersEndIsToldOnce) {
    connection->start();
    peer->close();
    ASSERT_TRUE(until([&] { return events.closed == 1; }));
    settle();
    EXPECT_EQ(1, events.closed);
    EXPECT_EQ(0, events.gone);
}

TEST_F(WritingTest, AResetIsToldOnceAlsoWhenWriting) {
    connection->start();
    settle();
    reset_peer();
    std::ignore = connection->write("a");
    std::ignore = connection->write("b");
    EXPECT_EQ(0, events.closed) << "not from inside a call of the owner";
    ASSERT_TRUE(until([&] { return events.closed == 1; }));
    EXPECT_EQ(0U, connection->write("c"));
    connection->await_writable();
    settle();
    EXPECT_EQ(1, events.closed);
    EXPECT_EQ(0, events.gone);
}

TEST_F(WritingTest, AResetEndsAGracefulClose) {
    connection->start();
    connection->close_gracefully();
    reset_peer();
    ASSERT_TRUE(until([&] { return events.gone == 1; }));
    EXPECT_EQ(0, events.closed);
}

TEST_F(WritingTest, NothingIsToldAfterCloseNow) {
    connection->start();
    send(publish_bytes("t", "x"));
    connection->await_writable();
    connection->close_now();
    settle();
    EXPECT_TRUE(events.packets.empty());
    EXPECT_EQ(0, events.closed + events.gone + events.writable);
    EXPECT_EQ(0U, connection->write("x"));
    EXPECT_EQ("", receive(1));
}

TEST_F(WritingTest, ACloseInsideACallEndsTheReading) {
    events.on = [&] { connection->close_now(); };
    connection->start();
    send(publish_bytes("t", "1") + publish_bytes("t", "2"));
    ASSERT_TRUE(until([&] { return !events.packets.empty(); }));
    settle();
    EXPECT_EQ(1U, events.packets.size());
    EXPECT_EQ(0, events.closed);
}

}  // namespace
}  // namespace keepmq::net::test
