// Several shards in one node.

#include "runtime/shards.hpp"

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

constexpr int many = 12;  // so many topics or clients are on all shards

class ShardsTest : public NodeTest {
  protected:
    ShardsTest() { settings.node.shards = 4; }

    void publish_each(Client& client, std::uint8_t qos) const {
        for (int i = 1; i <= many; ++i)
            client.publish(
                "t/" + std::to_string(i), std::to_string(i), qos, static_cast<mqtt::PacketId>(i));
    }
    [[nodiscard]] static std::vector<std::string> answers(const std::string& packet) {
        std::vector<std::string> all;
        for (int i = 1; i <= many; ++i) all.push_back(packet + ' ' + std::to_string(i) + " 00");
        return all;
    }
    [[nodiscard]] static std::vector<std::string> payloads() {
        std::vector<std::string> all;
        for (int i = 1; i <= many; ++i) all.push_back(std::to_string(i));
        return all;
    }
};

TEST_F(ShardsTest, PubackWaitsForTheOwnersOfTheTopics) {
    start();
    Client client{port()};
    ASSERT_EQ("CONNACK 00", client.connect("c"));
    database->hold_writes();
    publish_each(client, 1);
    ASSERT_TRUE(database->await_held_writes(2));
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ(answers("PUBACK"), client.take(many)) << "in the order of arrival";
    EXPECT_THAT(committed_payloads(), UnorderedElementsAreArray(payloads()));
}

TEST_F(ShardsTest, PubrecWaitsForTheOwnersOfTheTopics) {
    start();
    Client client{port(), mqtt::ProtocolVersion::v3_1_1};
    ASSERT_EQ("CONNACK 00", client.connect("c"));
    database->hold_writes();
    publish_each(client, 2);
    ASSERT_TRUE(database->await_held_writes(2));
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ(answers("PUBREC"), client.take(many));
}

/// Until the publisher's exchange is durable, none of its readers is through with the message; a
/// slow store is no reason.
TEST_F(ShardsTest, AReaderIsThroughWithAMessageThatTheStoreHasNot) {
    start();
    Client reader{port()};
    ASSERT_EQ("CONNACK 00", reader.connect("reader", false));
    reader.subscribe("t/#", 2);
    ASSERT_EQ("SUBACK 1 02", reader.take());
    Client member{port()};
    ASSERT_EQ("CONNACK 00", member.connect("member", false));
    member.subscribe("$share/g/t/#", 2);
    ASSERT_EQ("SUBACK 1 02", member.take());
    Client publisher{port()};
    ASSERT_EQ("CONNACK 00", publisher.connect("publisher", false));
    database->hold_writes();
    publish_each(publisher, 2);
    for (auto* each : {&reader, &member}) {
        int released = 0;
        for (const auto& packet : each->take(std::size_t{2} * many))
            released += packet.starts_with("PUBREL") ? 1 : 0;
        EXPECT_EQ(many, released);
    }
    EXPECT_THAT(publisher.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_EQ(answers("PUBREC"), publisher.take(many));
}

TEST_F(ShardsTest, AtTheEndNothingIsLeftOnTheWay) {
    start();
    Client client{port()};
    ASSERT_EQ("CONNACK 00", client.connect("c"));
    publish_each(client, 1);
    EXPECT_THAT(client.take(many), SizeIs(many));
    for (int i = 1; i <= many; ++i) client.publish("t/" + std::to_string(i), "last", 1, 100);
    EXPECT_THAT(client.take(many), SizeIs(many));
    EXPECT_TRUE(node->shut_down());
    EXPECT_THAT(committed_payloads(), SizeIs(2 * many));
}

TEST(HeldWork, RunsInTheOrderInWhichItCame) {
    std::vector<int> done;
    HeldWork held;
    held.run_or_keep([&] { done.push_back(1); });
    held.run_or_keep([&] { done.push_back(2); });
    EXPECT_THAT(done, IsEmpty());
    EXPECT_EQ(2U, held.size());
    held.release();
    EXPECT_THAT(done, ElementsAre(1, 2));
    held.run_or_keep([&] { done.push_back(3); });
    EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

TEST(Mailbox, WakesOnceForWhatWaits) {
    Mailbox<std::string> mailbox;
    EXPECT_TRUE(mailbox.put("1", 10));
    EXPECT_FALSE(mailbox.put("2", 20));
    EXPECT_EQ(2U, mailbox.size());
    EXPECT_EQ(30U, mailbox.weight());
    std::vector<std::string> letters;
    mailbox.take(letters);
    EXPECT_THAT(letters, ElementsAre("1", "2"));
    EXPECT_EQ(0U, mailbox.size());
    EXPECT_TRUE(mailbox.put("3", 1));
}

}  // namespace
}  // namespace keepmq::runtime::test
