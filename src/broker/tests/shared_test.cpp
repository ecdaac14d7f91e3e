// Shared subscriptions [MQTT 5.0, 4.8.2].

#include <set>

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

struct Shared {
    explicit Shared(SharedStrategy strategy = SharedStrategy::round_robin)
        : world{with(strategy)} {}

    static Limits with(SharedStrategy strategy) {
        Limits limits;
        limits.shared_strategy = strategy;
        return limits;
    }
    Client& member(std::string_view client, int qos = 2, std::uint32_t expiry = 100) {
        auto& made = world.connect(connect_packet(client, v5, true, expiry));
        made.subscribe("$share/g/t", qos);
        made.take();
        return made;
    }
    void publish(std::string_view payload, int qos = 0) {
        publisher.publish("t", payload, qos, qos == 0 ? mqtt::PacketId{0} : ++last_id);
        if (qos == 2)
            publisher.pubrel(last_id);
    }
    void publish_many(int count) {
        for (int i = 0; i < count; ++i) publish("x");
    }

    World world;
    Client& publisher = world.connect("p");
    mqtt::PacketId last_id = 0;
};

TEST(Shared, OneMemberGetsEachMessage) {
    Shared group;
    auto& a = group.member("a");
    auto& b = group.member("b");
    auto& c = group.member("c");
    for (const auto* payload : {"1", "2", "3", "4", "5", "6"}) group.publish(payload);
    EXPECT_THAT(a.payloads(), ElementsAre("1", "4"));
    EXPECT_THAT(b.payloads(), ElementsAre("2", "5"));
    EXPECT_THAT(c.payloads(), ElementsAre("3", "6"));
}

TEST(Shared, TurnsGoOnWhenAMemberLeaves) {
    Shared group;
    auto& a = group.member("a");
    auto& b = group.member("b");
    auto& c = group.member("c");
    group.publish("1");
    group.publish("2");
    a.unsubscribe("$share/g/t");
    group.publish("3");
    group.publish("4");
    EXPECT_THAT(b.payloads(), ElementsAre("2", "4"));
    EXPECT_THAT(c.payloads(), ElementsAre("3"));
}

TEST(Shared, GroupsAreIndependentOfEachOtherAndOfOrdinarySubscriptions) {
    // [MQTT-4.8.2-1]
    Shared group;
    auto& a = group.member("a");
    auto& b = group.world.connect("b");
    b.subscribe("$share/other/t");
    auto& c = group.world.connect("c");
    c.subscribe("$share/g/+");  // same name, another filter: another group
    auto& d = group.world.connect("d");
    d.subscribe("t");
    group.publish("x");
    EXPECT_THAT(a.payloads(), ElementsAre("x"));
    EXPECT_THAT(b.payloads(), ElementsAre("x"));
    EXPECT_THAT(c.payloads(), ElementsAre("x"));
    EXPECT_THAT(d.payloads(), ElementsAre("x"));
}

TEST(Shared, MalformedNamesAreRefused) {
    // [MQTT-4.8.2-1, MQTT-4.8.2-2]
    World world;
    auto& client = world.connect("c");
    client.send(subscribe_packet({{.filter = "$share"},
                                  {.filter = "$share/g"},
                                  {.filter = "$share/g/"},
                                  {.filter = "$share//t"},
                                  {.filter = "$share/g+/t"},
                                  {.filter = "$share/#/t"},
                                  {.filter = "$share/g//"}}));
    const auto answer = client.take();
    ASSERT_THAT(answer, SizeIs(1));
    EXPECT_TRUE(answer[0].ends_with("8f,8f,8f,8f,8f,00)")) << answer[0];
}

TEST(Shared, DeliveryHasTheLowerQos) {
    // [MQTT-4.8.2-3]
    Shared group;
    auto& a = group.member("a", 1);
    group.publish("1", 2);
    group.publish("2", 0);
    EXPECT_THAT(a.take(), ElementsAre("PUBLISH(t,1,q1)", "PUBLISH(t,2,q0)"));
}

TEST(Shared, ItsIdentifierAndRetainAsPublishedCount) {
    Shared group;
    auto& a = group.world.connect("a");
    a.send(subscribe_packet({{.filter = "$share/g/t", .retain_as_published = true}}, 100, 12));
    group.publisher.publish("t", "x", 0, 0, true);
    const auto got = a.messages();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_TRUE(got[0].retain);
    EXPECT_THAT(got[0].identifiers, ElementsAre(12U));
}

TEST(Shared, NoRetainedMessagesAreSentAtSubscribe) {
    Shared group;
    group.publisher.publish("t", "kept", 0, 0, true);
    auto& a = group.world.connect("a");
    a.subscribe("$share/g/t");
    EXPECT_THAT(a.take(), ElementsAre("SUBACK(100,00)"));
}

TEST(Shared, AbsentMembersArePassedOver) {
    for (const auto strategy : {SharedStrategy::round_robin,
                                SharedStrategy::random,
                                SharedStrategy::sticky,
                                SharedStrategy::hash}) {
        Shared group{strategy};
        group.member("a").lose();
        auto& b = group.member("b");
        group.member("c").lose();
        for (int i = 0; i < 10; ++i) group.publish("x", 1);
        EXPECT_THAT(b.messages(), SizeIs(10));
        EXPECT_EQ(group.world.stats().queued, 0U);
    }
}

TEST(Shared, WithAllMembersAwayOneKeepsIt) {
    Shared group;
    group.member("a").lose();
    group.member("b").lose();
    group.publish("1", 1);
    group.publish("2", 1);
    EXPECT_EQ(group.world.session("a")->queued, 1U);
    EXPECT_EQ(group.world.session("b")->queued, 1U);
    auto& a = group.world.connect(connect_packet("a", v5, false, 100));
    EXPECT_THAT(a.payloads(), ElementsAre("1"));
}

TEST(Shared, StickyStaysUntilTheMemberGoes) {
    Shared group{SharedStrategy::sticky};
    auto& a = group.member("a");
    auto& b = group.member("b");
    auto& c = group.member("c");
    group.publish_many(3);
    EXPECT_THAT(a.messages(), SizeIs(3));
    a.lose();
    group.publish_many(3);
    EXPECT_THAT(b.messages(), SizeIs(3));
    auto& again = group.world.connect(connect_packet("a", v5, false, 100));
    group.publish_many(2);
    EXPECT_THAT(b.messages(), SizeIs(2));
    EXPECT_THAT(again.messages(), IsEmpty());
    b.unsubscribe("$share/g/t");
    group.publish_many(2);
    EXPECT_THAT(c.messages(), SizeIs(2));
}

TEST(Shared, HashKeepsAPublisherWithAMember) {
    Shared group{SharedStrategy::hash};
    std::vector<Client*> members;
    for (const auto* name : {"a", "b", "c", "d"}) members.push_back(&group.member(name));
    std::set<std::size_t> used;
    for (int publisher = 0; publisher < 20; ++publisher) {
        auto& client = group.world.connect("publisher" + std::to_string(publisher));
        client.publish("t", "1");
        client.publish("t", "2");
        std::size_t reached = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto count = members[i]->messages().size();
            EXPECT_TRUE(count == 0 || count == 2);
            reached += count;
            if (count > 0)
                used.insert(i);
        }
        EXPECT_EQ(reached, 2U);
    }
    EXPECT_GT(used.size(), 1U);
}

TEST(Shared, RandomReachesEverybody) {
    Shared group{SharedStrategy::random};
    auto& a = group.member("a");
    auto& b = group.member("b");
    group.publish_many(200);
    const auto first = a.messages().size();
    EXPECT_GT(first, 50U);
    EXPECT_LT(first, 150U);
    EXPECT_EQ(first + b.messages().size(), 200U);
}

TEST(Shared, AQos2ExchangeThatBeganStaysWithTheClient) {
    // [MQTT-4.8.2-4]
    Shared group;
    auto& a = group.member("a");
    auto& b = group.member("b");
    group.publish("x", 2);
    a.take();
    a.lose();
    EXPECT_THAT(b.take(), IsEmpty());
    auto& again = group.world.connect(connect_packet("a", v5, false, 100));
    EXPECT_THAT(again.take(), ElementsAre("PUBLISH(t,x,q2,dup)"));
}

TEST(Shared, AQos2MessageInFlightGoesToNobodyElse) {
    // [MQTT-4.8.2-5]
    Shared group;
    auto& a = group.member("a", 2, 10);
    auto& b = group.member("b");
    group.publish("x", 2);
    a.take();
    a.lose();
    group.world.advance(10s);
    EXPECT_FALSE(group.world.session("a"));
    EXPECT_THAT(b.take(), IsEmpty());
}

TEST(Shared, OtherMessagesOfAnEndedSessionGoToTheOthers) {
    Shared group;
    auto packet = connect_packet("a", v5, true, 10);
    packet.receive_maximum = 1;
    auto& a = group.world.connect(packet);
    a.subscribe("$share/g/t", 2);
    a.take();
    group.publish("1", 1);
    group.publish("2", 2);
    auto& b = group.member("b");
    EXPECT_THAT(a.payloads(), ElementsAre("1"));
    a.lose();
    EXPECT_THAT(b.take(), IsEmpty());
    group.world.advance(10s);
    EXPECT_THAT(b.take(), ElementsAre("PUBLISH(t,1,q1)", "PUBLISH(t,2,q2)"));
}

TEST(Shared, WithoutAnotherMemberTheyAreDroppedAndCounted) {
    Shared group;
    auto& a = group.member("a", 1, 10);
    group.publish("1", 1);
    a.lose();
    group.publish("2", 1);
    group.world.advance(10s);
    EXPECT_EQ(group.world.stats().dropped_shared_empty, 2U);
    EXPECT_EQ(group.world.stats().subscriptions, 0U);
    group.publish("3", 1);
    EXPECT_EQ(group.world.stats().dropped_no_subscriber, 1U);
}

TEST(Shared, ARefusedMessageIsDiscarded) {
    // [MQTT-4.8.2-6]
    Shared group;
    auto& a = group.member("a");
    auto& b = group.member("b");
    group.publish("1", 1);
    a.puback(1, ReasonCode::implementation_specific_error);
    a.take();
    EXPECT_THAT(b.take(), IsEmpty());
    EXPECT_THAT(a.take(), IsEmpty());
    EXPECT_EQ(group.world.stats().inflight, 0U);
}

TEST(Shared, OlderVersionsMayShareToo) {
    Shared group;
    auto& a = group.world.connect("a", v3);
    a.subscribe("$share/g/t", 1);
    a.take();
    auto& b = group.member("b");
    group.publish("1");
    group.publish("2");
    EXPECT_THAT(a.payloads(), ElementsAre("1"));
    EXPECT_THAT(b.payloads(), ElementsAre("2"));
}

TEST(Shared, TheEventNamesTheFilterWithoutTheGroup) {
    Shared group;
    group.member("a");
    ASSERT_THAT(group.world.subscribed, SizeIs(1));
    EXPECT_EQ(group.world.subscribed[0].event.filter, TopicFilter{"t"});
    EXPECT_TRUE(group.world.subscribed[0].event.shared);
    EXPECT_FALSE(group.world.subscribed[0].wants_retained);
    EXPECT_THAT(group.world.filters("a"), ElementsAre("$share/g/t"));
}

}  // namespace
}  // namespace keepmq::broker::testing
