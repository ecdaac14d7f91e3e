#include "broker/inflight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace keepmq::broker {
namespace {

TEST(Inflight, IdentifiersWrapAroundThoseInUse) {
    // [MQTT-2.2.1-4]
    Inflight inflight;
    const auto kept = inflight.insert({}).packet_id;
    for (int i = 0; i < 200'000; ++i) {
        Sent& sent = inflight.insert({});
        ASSERT_NE(sent.packet_id, 0);
        ASSERT_NE(sent.packet_id, kept);
        inflight.erase(sent);
    }
    EXPECT_EQ(inflight.size(), 1U);
}

TEST(Inflight, HoldsEveryIdentifierAtOnce) {
    Inflight inflight;
    std::set<mqtt::PacketId> ids;
    while (!inflight.full()) ids.insert(inflight.insert({}).packet_id);
    EXPECT_EQ(ids.size(), 65'535U);
    EXPECT_FALSE(ids.contains(0));
    inflight.erase(*inflight.find(30'000));
    EXPECT_FALSE(inflight.full());
    EXPECT_EQ(inflight.insert({}).packet_id, 30'000);
}

TEST(Inflight, FindsWhatIsThereAndNothingElse) {
    Inflight inflight;
    EXPECT_EQ(inflight.find(1), nullptr);
    const auto id = inflight.insert({}).packet_id;
    ASSERT_NE(inflight.find(id), nullptr);
    EXPECT_EQ(inflight.find(0), nullptr);
    // Same place in the table, another identifier.
    EXPECT_EQ(inflight.find(static_cast<mqtt::PacketId>(id + 4)), nullptr);
    inflight.erase(*inflight.find(id));
    EXPECT_EQ(inflight.find(id), nullptr);
    EXPECT_TRUE(inflight.empty());
}

TEST(Inflight, TellsTheOrderOfSending) {
    Inflight inflight;
    std::vector<mqtt::PacketId> expected;
    std::mt19937 random{1};
    for (int i = 0; i < 100'000; ++i) {
        if (expected.size() > 100 || (!expected.empty() && random() % 2 == 0)) {
            const auto at =
                expected.begin() + static_cast<std::ptrdiff_t>(random() % expected.size());
            inflight.erase(*inflight.find(*at));
            expected.erase(at);
        } else {
            expected.push_back(inflight.insert({}).packet_id);
        }
    }
    std::vector<mqtt::PacketId> got;
    for (const auto* sent : inflight.in_order()) got.push_back(sent->packet_id);
    EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace keepmq::broker
