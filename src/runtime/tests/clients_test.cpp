// The connections of a shard, by number.

#include "runtime/clients.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keepmq::runtime {
namespace {

class Idle final : public net::Connection {
  public:
    explicit Idle(int& alive) : alive_{alive} { ++alive_; }
    ~Idle() override { --alive_; }
    void start() override {}
    void pause_reading() override {}
    void resume_reading() override {}
    [[nodiscard]] std::size_t write(std::string_view bytes) override { return bytes.size(); }
    void await_writable() override {}
    void close_soon() override {}
    void close_gracefully() override {}
    void close_now() override {}

  private:
    int& alive_;
};

/// As the broker numbers: place in the low half, how often it was used in the high half.
ConnectionId number(std::uint64_t place, std::uint64_t use = 1) {
    return ConnectionId{use << 32U | place};
}

struct ClientsTest : ::testing::Test {
    Client& add(ConnectionId id) {
        return clients.add(id, boost::intrusive_ptr<net::Connection>{new Idle{alive}}, Place{});
    }
    std::vector<const Client*> all() {
        std::vector<const Client*> found;
        clients.each([&](const Client& each) { found.push_back(&each); });
        return found;
    }

    int alive = 0;
    Clients clients;
};

TEST_F(ClientsTest, AreFoundUntilTheyAreErased) {
    add(number(0));
    add(number(3));
    EXPECT_EQ(clients.size(), 2U);
    EXPECT_THAT(all(), ::testing::ElementsAre(clients.find(number(0)), clients.find(number(3))));
    EXPECT_EQ(clients.find(number(1)), nullptr);
    EXPECT_EQ(clients.find(number(4)), nullptr);
    clients.erase(*clients.find(number(3)));
    EXPECT_EQ(clients.find(number(3)), nullptr);
    EXPECT_EQ(alive, 1) << "the connection lives no longer than its entry";
    EXPECT_THAT(all(), ::testing::ElementsAre(clients.find(number(0))));
}

TEST_F(ClientsTest, AnOldNumberFindsNothingOfTheOneThatCameAfterIt) {
    clients.erase(add(number(2, 1)));
    add(number(2, 2));
    EXPECT_EQ(clients.find(number(2, 1)), nullptr);
    EXPECT_NE(clients.find(number(2, 2)), nullptr);
    EXPECT_EQ(clients.size(), 1U);
}

TEST_F(ClientsTest, AreAllForgottenAtTheEnd) {
    for (std::uint64_t place = 0; place < 100; ++place) add(number(place));
    clients.clear();
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(clients.size(), 0U);
    EXPECT_THAT(all(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace keepmq::runtime
