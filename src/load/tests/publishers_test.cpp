#include "load/publishers.hpp"

#include <gmock/gmock.h>

#include "load/sequences.hpp"
#include "load/subscribers.hpp"

namespace keepmq::load {
namespace {

using ::testing::ElementsAre;

/// Two publishers without connections: what they would send stays in their buffers.
class PublishersTest : public ::testing::Test {
  protected:
    PublishersTest() {
        for (const auto* id : {"p0", "p1"}) swarm_.add(id).state = Member::State::up;
    }

    std::vector<Stamp> sent(std::size_t number) {
        std::vector<Stamp> out;
        std::string_view bytes = swarm_[number].client.out();
        Frame frame;
        while (read_frame(bytes, mqtt::ProtocolVersion::v3_1_1, frame) == Framing::complete) {
            out.push_back(*Stamp::read(frame.payload));
            ids_.push_back(frame.packet_id);
            bytes.remove_prefix(frame.bytes.size());
        }
        return out;
    }
    void acknowledge(Publishers& publishers, std::size_t number, mqtt::PacketId id, Micros now) {
        Frame frame;
        frame.type = FrameType::puback;
        frame.packet_id = id;
        publishers.on_frame(swarm_[number], frame, now);
    }

    Swarm swarm_{Login{}};
    std::vector<mqtt::PacketId> ids_;
};

PublishPlan plan() {
    PublishPlan plan;
    plan.qos = Qos::at_least_once;
    plan.window = 2;
    return plan;
}

constexpr std::uint64_t any_number = UINT64_MAX;

TEST_F(PublishersTest, FillTheirWindows) {
    Publishers publishers{swarm_, plan(), 0, 2};
    EXPECT_EQ(publishers.fill(1000, any_number), Publishers::never);
    EXPECT_EQ(publishers.sent(), 4U);
    EXPECT_EQ(publishers.open(), 4U);
    acknowledge(publishers, 1, 1, 1500);
    (void)publishers.fill(2000, any_number);
    EXPECT_THAT(publishers.numbers(), ElementsAre(2, 3));
    EXPECT_EQ(publishers.acknowledged(), 1U);
}

TEST_F(PublishersTest, LatencyOfAPacedMessageCountsFromWhenItWasDue) {
    auto paced = plan();
    paced.rate = 1000;  // of both: each has one in 2 ms
    Publishers publishers{swarm_, paced, 0, 2};
    publishers.begin(0);
    EXPECT_EQ(publishers.fill(0, any_number), 1000);
    EXPECT_THAT(publishers.numbers(), ElementsAre(1, 0));
    (void)publishers.fill(20'000, any_number);  // the windows are full since 2 and 3 ms
    EXPECT_THAT(publishers.numbers(), ElementsAre(2, 2));
    EXPECT_EQ(publishers.behind(20'000), 16U);
    EXPECT_EQ(sent(0)[1].due, 2000);

    acknowledge(publishers, 0, 1, 30'000);
    EXPECT_EQ(publishers.latencies().max(), 30'000U);
    (void)publishers.fill(30'000, any_number);  // what was due at 4 ms
    acknowledge(publishers, 0, 1, 30'500);
    EXPECT_EQ(publishers.latencies().max(), 30'000U);
    EXPECT_GE(publishers.latencies().quantile(0), 26'000U);  // not 500 us
}

TEST_F(PublishersTest, StopAtTheLimit) {
    auto limited = plan();
    limited.window = 10;
    limited.limit = 13;
    Publishers publishers{swarm_, limited, 0, 2};
    (void)publishers.fill(0, any_number);
    EXPECT_EQ(publishers.sent(), 13U);
    EXPECT_TRUE(publishers.is_limit_reached());
}

TEST_F(PublishersTest, AreHeldUpByDeliveriesWithoutStarvingOne) {
    Publishers publishers{swarm_, plan(), 0, 2};
    publishers.set_copies({10, 10});
    (void)publishers.fill(0, 25);
    EXPECT_TRUE(publishers.is_held_up());
    EXPECT_THAT(publishers.numbers(), ElementsAre(2, 0));
    EXPECT_EQ(publishers.expected_deliveries(), 20U);
    acknowledge(publishers, 0, 1, 0);
    (void)publishers.fill(0, 10);
    EXPECT_THAT(publishers.numbers(), ElementsAre(2, 1));
}

TEST_F(PublishersTest, NumberTheirMessages) {
    Publishers publishers{swarm_, plan(), 0, 2};
    (void)publishers.fill(77, any_number);
    const auto stamps = sent(1);
    ASSERT_EQ(stamps.size(), 2U);
    EXPECT_EQ(stamps[1].publisher, 1U);
    EXPECT_EQ(stamps[1].number, 1U);
    EXPECT_EQ(stamps[1].due, 77);
    EXPECT_THAT(ids_, ElementsAre(1, 2));
}

TEST(OpenMessages, NeverUseAnIdentifierTwice) {
    OpenMessages open;
    open.reset(3);
    EXPECT_EQ(open.take(10), 1);
    EXPECT_EQ(open.take(20), 2);
    EXPECT_EQ(open.settle(1), 10);
    EXPECT_EQ(open.settle(1), std::nullopt);
    EXPECT_EQ(open.settle(9), std::nullopt);
    EXPECT_EQ(open.take(30), 1);
    EXPECT_EQ(open.take(40), 3);
    EXPECT_EQ(open.room(), 0U);
    EXPECT_EQ(open.settle(2), 20);
}

TEST(Copies, CountMatchingFiltersAndGroupsOnce) {
    const std::vector<std::string> topics{"bench/0", "bench/1", "other"};
    const std::vector<std::string> filters{
        "bench/#", "bench/1", "$share/g/bench/+", "$share/g/bench/+", "$share/h/bench/+"};
    EXPECT_THAT(copies_of(topics, filters), ElementsAre(3, 4, 0));
}

TEST(Stamp, SurvivesAPayload) {
    std::string payload(64, 'x');
    EXPECT_EQ(Stamp::read(payload), std::nullopt);
    const Stamp stamp{1'764'400'000'000'000, 4711, 1'000'000'007};
    stamp.write(payload.data());
    const auto back = Stamp::read(payload);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, stamp);
    EXPECT_EQ(Stamp::read(payload.substr(0, 15)), std::nullopt);
}

TEST(Sequences, FindGapsDuplicatesAndDisorder) {
    Sequences sequences{{3, 2}};
    EXPECT_EQ(sequences.missing(), 5U);
    for (const std::uint64_t number : {0UL, 2UL, 2UL, 1UL}) sequences.came({0, 0, number});
    sequences.came({0, 1, 1});
    sequences.came({0, 1, 7});
    sequences.came({0, 9, 0});
    EXPECT_EQ(sequences.expected(), 5U);
    EXPECT_EQ(sequences.missing(), 1U);
    EXPECT_EQ(sequences.duplicates(), 1U);
    EXPECT_EQ(sequences.out_of_order(), 1U);
    EXPECT_EQ(sequences.unknown(), 2U);
}

}  // namespace
}  // namespace keepmq::load
