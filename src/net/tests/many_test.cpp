// Many connections in one loop: what one of them does in its turn, and that none is forgotten.

#include <algorithm>

#include "net/tests/support.hpp"

namespace keepmq::net::test {
namespace {

class ManyTest : public LoopTest {
  protected:
    struct Pair {
        explicit Pair(asio::io_context& loop) : peer{loop} {}
        tcp::socket peer;
        Recorder events;
        boost::intrusive_ptr<Connection> connection;
    };

    ~ManyTest() override {
        for (auto& pair : pairs) pair->connection->close_now();
        settle();
    }

    Pair& add() {
        auto& pair = *pairs.emplace_back(std::make_unique<Pair>(loop));
        pair.peer.connect(acceptor.local_endpoint());
        pair.connection =
            make_tcp_connection(acceptor.accept(loop), ConnectionId{1}, pair.events, context);
        pair.connection->start();
        return pair;
    }

    void send(Pair& pair, std::string_view bytes) {
        asio::write(pair.peer, asio::buffer(bytes.data(), bytes.size()));
    }

    tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    ReadContext context{loop};
    std::vector<std::unique_ptr<Pair>> pairs;
};

/// More than the system reports at once.
TEST_F(ManyTest, EachIsReadAlsoWhenAllComeTogether) {
    constexpr std::size_t count = 400;
    for (std::size_t i = 0; i < count; ++i) add();
    settle();
    for (auto& pair : pairs) send(*pair, publish_bytes("t", "x"));
    ASSERT_TRUE(until([&] {
        return std::ranges::all_of(
            pairs, [](const auto& pair) { return pair->events.packets.size() == 1; });
    }));
}

TEST_F(ManyTest, OneThatIsClosedByAnotherInTheSameTurnSaysNothing) {
    auto& first = add();
    auto& second = add();
    first.events.on = [&] { second.connection->close_now(); };
    second.events.on = [&] { first.connection->close_now(); };
    settle();
    send(first, publish_bytes("t", "x"));
    send(second, publish_bytes("t", "x"));
    const auto said = [&] { return first.events.packets.size() + second.events.packets.size(); };
    ASSERT_TRUE(until([&] { return said() != 0; }));
    settle();
    EXPECT_EQ(1U, said());
    EXPECT_EQ(0, first.events.closed + second.events.closed);
}

/// A loop whose sockets are all closed has nothing left to wait for, and takes new ones.
TEST_F(ManyTest, ANewOneIsReadAfterAllOthersAreGone) {
    add().connection->close_now();
    auto& next = add();
    settle();
    next.connection->close_now();
    settle();
    auto& last = add();
    send(last, publish_bytes("t", "x"));
    EXPECT_TRUE(until([&] { return !last.events.packets.empty(); }));
}

}  // namespace
}  // namespace keepmq::net::test
