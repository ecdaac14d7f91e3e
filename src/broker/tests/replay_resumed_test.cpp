// A lasting session lost stored messages while its queue was full: it gets them when it comes back.

#include "broker/tests/disk.hpp"
#include "broker/tests/pages_fixture.hpp"

namespace keepmq::broker::testing {
namespace {

Limits short_queue(std::size_t length = 2) {
    Limits limits;
    limits.max_queue_length = length;
    return limits;
}

struct Resumed : Pages {
    explicit Resumed(const Limits& limits = short_queue()) : Pages{limits} {}

    /// The subscription is there and all that was stored has been read.
    void settle_in() {
        subscribe(client, "a");
        world.page({});
        world.take_events();
    }
    Client& back() { return world.connect(connect_packet("c", v5, false, 1'000)); }
    bool asks_again() {
        const auto events = world.take_events();
        return std::ranges::find(events, "session.subscribed(a)") != events.end();
    }
};

TEST_F(Resumed, GetsWhatWasDroppedBehindWhatWasQueued) {
    settle_in();
    client.lose();
    std::vector<MessagePtr> all;
    for (const auto* text : {"1", "2", "3", "4"}) all.push_back(live("a", text));
    auto& again = back();
    EXPECT_THAT(again.payloads(), ElementsAre("1", "2"));
    ASSERT_TRUE(asks_again());
    EXPECT_TRUE(world.subscribed.back().resumed);
    world.plan(fetch_plan());
    const auto later = live("a", "5");
    all.push_back(later);
    world.page(all);
    EXPECT_THAT(again.take(), ElementsAre("PUBLISH(a,3,q1)", "PUBLISH(a,4,q1)", "PUBLISH(a,5,q1)"));
    for (mqtt::PacketId id = 1; id <= 5; ++id) again.puback(id);
    EXPECT_EQ(moves().back(), "a:5");
    again.lose();
    back();
    EXPECT_FALSE(asks_again()) << "nothing is missing any more";
}

TEST_F(Resumed, AsksForNothingWhenNothingWasDropped) {
    settle_in();
    client.lose();
    live("a", "1");
    EXPECT_THAT(back().payloads(), ElementsAre("1"));
    EXPECT_FALSE(asks_again());
}

TEST_F(Resumed, AsksOnlyForWhatLostSomething) {
    settle_in();
    subscribe(client, "b");
    world.page({});
    client.lose();
    for (const auto* text : {"1", "2", "3"}) live("b", text);
    world.take_events();
    back();
    EXPECT_THAT(world.take_events(), Contains("session.subscribed(b)"));
    EXPECT_EQ(world.subscribed.back().event.filter.view(), "b");
    EXPECT_EQ(world.stats().fences_open, 1U);
}

TEST_F(Resumed, TriesAgainAfterAFetchThatFailed) {
    settle_in();
    client.lose();
    const auto one = live("a", "1");
    const auto two = live("a", "2");
    const auto three = live("a", "3");
    auto* again = &back();
    ASSERT_TRUE(asks_again());
    world.plan(fetch_plan());
    world.broker.on_fetch_failed(world.fetches.back().fence, world.now);
    world.run();
    EXPECT_THAT(again->payloads(), ElementsAre("1", "2"));
    again->lose();
    again = &back();
    ASSERT_TRUE(asks_again());
    world.plan(fetch_plan());
    world.page({one, two, three});
    EXPECT_THAT(again->payloads(), ElementsAre("1", "2", "3")) << "two of them once more, with DUP";
}

TEST_F(Resumed, TwiceWhileTheFirstPageIsUnderWayReadsOnceMore) {
    settle_in();
    client.lose();
    for (const auto* text : {"1", "2", "3"}) live("a", text);
    auto* again = &back();
    world.plan(fetch_plan());
    again->lose();
    again = &back();
    EXPECT_EQ(world.stats().fences_open, 1U) << "the session took its fence along";
    world.page({world.published[0], world.published[1], world.published[2]});
    EXPECT_THAT(again->payloads(), ElementsAre("1", "2", "3"));
    EXPECT_EQ(world.stats().fences_open, 0U);
}

struct ResumedHeavy : Resumed {
    static Limits little_memory() {
        Limits limits;
        limits.max_queue_bytes = 2'000;
        return limits;
    }
    ResumedHeavy() : Resumed{little_memory()} {}
    const std::string large = std::string(3'000, 'x');
};

TEST_F(ResumedHeavy, WhatCameLaterWaitsForWhatWasDropped) {
    settle_in();
    client.lose();
    const auto before = live("a", "before");
    const auto dropped = live("a", large);
    const auto after = live("a", "after");
    live("other", "nobody's");
    auto& again = back();
    EXPECT_THAT(again.payloads(), ElementsAre("before"));
    world.plan(fetch_plan());
    world.page({before, dropped, after});
    EXPECT_THAT(again.payloads(), ElementsAre(large, "after"));
    for (mqtt::PacketId id = 1; id <= 3; ++id) again.puback(id);
    EXPECT_EQ(moves().back(), "a:after");
}

TEST_F(ResumedHeavy, WhatCameLaterIsNotLostWithTheFetch) {
    settle_in();
    client.lose();
    live("a", large);
    live("a", "after");
    auto& again = back();
    world.plan(fetch_plan());
    EXPECT_THAT(again.payloads(), IsEmpty());
    world.broker.on_fetch_failed(world.fetches.back().fence, world.now);
    world.run();
    EXPECT_THAT(again.payloads(), ElementsAre("after"));
    again.puback(1);
    EXPECT_THAT(moves(), IsEmpty()) << "the large one is before it";
}

TEST_F(ResumedHeavy, OrderIsKeptOverARestart) {
    Disk disk;
    world.broker.restore({}, world.now);
    auto& reader = world.connect(connect_packet("r", v5, false, 1'000));
    subscribe(reader, "a");
    world.page({});
    reader.lose();
    const auto before = live("a", "before");
    const auto dropped = live("a", large);
    const auto after = live("a", "after");
    disk.write(world.broker);

    World reborn{little_memory()};
    reborn.now.wall += 1s;
    reborn.auto_plan = false;
    reborn.broker.restore(disk.content(), reborn.now);
    auto& again = reborn.connect(connect_packet("r", v5, false, 1'000));
    EXPECT_THAT(again.payloads(), ElementsAre("before"));
    reborn.plan(fetch_plan());
    reborn.page({before, dropped, after});
    EXPECT_THAT(again.payloads(), ElementsAre(large, "after"));
    for (mqtt::PacketId id = 1; id <= 3; ++id) again.puback(id);
    disk.write(reborn.broker);
    World third{little_memory()};
    third.now.wall += 2s;
    third.broker.restore(disk.content(), third.now);
    EXPECT_THAT(third.connect(connect_packet("r", v5, false, 1'000)).payloads(), IsEmpty());
}

TEST_F(ResumedHeavy, ALeaseGoesBackWithTheMessage) {
    world.auto_plan = false;
    subscribe(client, "a", fetch_plan(ReplayPlan::Mode::queue));
    world.page({});
    client.lose();
    const auto dropped = live("a", large);
    const auto after = live("a", "after");
    auto& again = back();
    world.plan(fetch_plan(ReplayPlan::Mode::queue));
    world.page({dropped, after});
    EXPECT_THAT(again.payloads(), ElementsAre(large, "after"));
}

}  // namespace
}  // namespace keepmq::broker::testing
