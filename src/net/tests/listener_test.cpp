#include "net/tests/support.hpp"

namespace keepmq::net::test {
namespace {

using ListenerTest = LoopTest;

bool connects(asio::io_context& context, const tcp::endpoint& to) {
    tcp::socket socket{context};
    ErrorCode error;
    socket.connect(to, error);
    return !error;
}

TEST_F(ListenerTest, SaysWhereItListens) {
    const auto opened = Listener::open(loop, "127.0.0.1", 0);
    ASSERT_TRUE(opened.has_value());
    EXPECT_NE(0, (*opened)->port());
    EXPECT_EQ("127.0.0.1:" + std::to_string((*opened)->port()), (*opened)->address());
    EXPECT_TRUE((*opened)->is_loopback());
}

TEST_F(ListenerTest, HandsOverEachSocket) {
    const auto opened = Listener::open(loop, "127.0.0.1", 0);
    ASSERT_TRUE(opened.has_value());
    std::vector<tcp::socket> accepted;
    (*opened)->start([&](tcp::socket socket) { accepted.push_back(std::move(socket)); });
    const tcp::endpoint address{asio::ip::address_v4::loopback(), (*opened)->port()};
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 10; ++i) clients.emplace_back(peers).connect(address);
    ASSERT_TRUE(until([&] { return accepted.size() == 10; }));
    asio::write(clients[7], asio::buffer("x", 1));
    char byte = 0;
    asio::read(accepted[7], asio::buffer(&byte, 1));
    EXPECT_EQ('x', byte);
}

TEST_F(ListenerTest, WithoutAddressListensOnAll) {
    const auto opened = Listener::open(loop, "", 0);
    ASSERT_TRUE(opened.has_value());
    EXPECT_FALSE((*opened)->is_loopback());
    EXPECT_TRUE(connects(peers, {asio::ip::address_v4::loopback(), (*opened)->port()}));
}

TEST_F(ListenerTest, RefusesAnAddressInUseAndOneThatIsNone) {
    const auto opened = Listener::open(loop, "127.0.0.1", 0);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(asio::error::address_in_use,
              Listener::open(loop, "127.0.0.1", (*opened)->port()).error());
    EXPECT_TRUE(Listener::open(loop, "not-an-address", 0).has_error());
}

TEST_F(ListenerTest, AcceptsNobodyAfterStop) {
    const auto opened = Listener::open(loop, "127.0.0.1", 0);
    ASSERT_TRUE(opened.has_value());
    int accepted = 0;
    (*opened)->start([&](tcp::socket) { ++accepted; });
    (*opened)->stop();
    settle();
    EXPECT_FALSE(connects(peers, {asio::ip::address_v4::loopback(), (*opened)->port()}));
    EXPECT_EQ(0, accepted);
}

TEST_F(ListenerTest, ThePortCanBeUsedAgainAtOnce) {
    std::uint16_t port = 0;
    {
        const auto opened = Listener::open(loop, "127.0.0.1", 0);
        ASSERT_TRUE(opened.has_value());
        port = (*opened)->port();
        std::optional<tcp::socket> accepted;
        (*opened)->start([&](tcp::socket socket) { accepted = std::move(socket); });
        tcp::socket client{peers};
        client.connect({asio::ip::address_v4::loopback(), port});
        ASSERT_TRUE(until([&] { return accepted.has_value(); }));
        accepted->close();  // this end keeps the port for a while
        (*opened)->stop();
        settle();
    }
    EXPECT_TRUE(Listener::open(loop, "127.0.0.1", port).has_value());
}

TEST(EndpointText, PutsBracketsAroundIpv6) {
    EXPECT_EQ("[::1]:1883", to_string(tcp::endpoint{asio::ip::address_v6::loopback(), 1883}));
    EXPECT_EQ("10.0.0.7:80", to_string(tcp::endpoint{asio::ip::make_address("10.0.0.7"), 80}));
}

}  // namespace
}  // namespace keepmq::net::test
