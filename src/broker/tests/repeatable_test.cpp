// QoS 2 across shards: what a crash could bring a second time.

#include <algorithm>

#include "broker/tests/disk.hpp"
#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

/// One shard of several: messages of others are routed here, and changes become durable at once.
struct RepeatableTest : ::testing::Test {
    RepeatableTest() {
        world.broker.restore(disk.content(), world.now);
        message = stored_message("t", "x", 1, 2);
    }
    Client& reader(const std::string& filter = "t", int qos = 2) {
        auto& client = world.connect(connect_packet("reader", v5, false, 600));
        client.subscribe(filter, qos);
        commit();
        client.take();
        return client;
    }
    void commit() {
        disk.write(world.broker);
        world.broker.on_committed(world.broker.changes_made());
        world.run();
    }
    void route(bool repeatable) {
        EXPECT_THAT(world.broker.route_here(message, {}, {repeatable, false}, world.now),
                    IsEmpty());
        world.run();
        commit();
    }
    void unrepeatable() {
        world.broker.unrepeatable(message->id, world.now);
        world.run();
        commit();
    }

    Disk disk;
    World world;
    std::shared_ptr<Message> message;
};

TEST_F(RepeatableTest, TheHandshakeWaitsUntilTheMessageCannotComeAgain) {
    auto& client = reader();
    route(true);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,x,q2)")) << "the message itself does not";
    client.pubrec(1);
    commit();
    EXPECT_THAT(client.take(), IsEmpty());
    EXPECT_EQ(world.session("reader")->inflight, 1U);
    unrepeatable();
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
    client.pubcomp(1);
    EXPECT_EQ(world.session("reader")->inflight, 0U);
}

TEST_F(RepeatableTest, WhatCannotComeAgainDoesNotWait) {
    auto& client = reader();
    route(false);
    client.take();
    client.pubrec(1);
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

TEST_F(RepeatableTest, APubrecAfterwardsDoesNotWait) {
    auto& client = reader();
    route(true);
    unrepeatable();
    client.take();
    client.pubrec(1);
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

TEST_F(RepeatableTest, APubackWaitsToo) {
    auto& client = reader("t", 1);
    route(true);
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,x,q1)"));
    client.puback(1);
    EXPECT_EQ(world.session("reader")->inflight, 1U);
    unrepeatable();
    EXPECT_EQ(world.session("reader")->inflight, 0U);
}

TEST_F(RepeatableTest, ARefusalWaitsToo) {
    auto& client = reader();
    route(true);
    client.pubrec(1, ReasonCode::quota_exceeded);
    EXPECT_EQ(world.session("reader")->inflight, 1U);
    unrepeatable();
    EXPECT_EQ(world.session("reader")->inflight, 0U);
}

TEST_F(RepeatableTest, APubrecCountsOnItsOwnConnection) {
    auto& first = reader();
    route(true);
    first.pubrec(1);
    first.lose();
    auto& second = world.connect(connect_packet("reader", v5, false, 600));
    commit();
    EXPECT_THAT(second.take(), ElementsAre("PUBLISH(t,x,q2,dup)"));
    unrepeatable();
    EXPECT_THAT(second.take(), IsEmpty()) << "its own PUBREC is to come";
    second.pubrec(1);
    commit();
    EXPECT_THAT(second.take(), ElementsAre("PUBREL(1)"));
}

TEST_F(RepeatableTest, AnAcknowledgementThatIsRepeatedCountsOnce) {
    auto& client = reader();
    route(true);
    client.take();
    for (int i = 0; i < 3; ++i) client.pubrec(1);
    unrepeatable();
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

TEST_F(RepeatableTest, WhoseSessionEndsWithItsConnectionDoesNotWait) {
    auto& client = world.connect("reader");
    client.subscribe("t", 2);
    client.take();
    route(true);
    client.take();
    client.pubrec(1);
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

TEST_F(RepeatableTest, AMemberOfASharedGroupWaits) {
    auto& client = reader("$share/g/t");
    EXPECT_TRUE(
        world.broker.place(message, world.broker.find_group("$share/g/t"), true, world.now));
    world.run();
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBLISH(t,x,q2)"));
    client.pubrec(1);
    commit();
    EXPECT_THAT(client.take(), IsEmpty());
    unrepeatable();
    EXPECT_THAT(client.take(), ElementsAre("PUBREL(1)"));
}

struct AfterARestart : RepeatableTest {
    void reborn(const Change& more) {
        auto kept = disk.content();
        kept.emplace_back(more);
        again = std::make_unique<World>();
        again->broker.restore(std::move(kept), again->now);
        again->run();
    }
    void commit_again() const {
        again->broker.on_committed(again->broker.changes_made());
        again->run();
    }
    std::vector<std::string> payloads_of(std::string_view client) const {
        auto& connected = again->connect(connect_packet(client, v5, false, 600));
        commit_again();
        return connected.payloads();
    }
    /// Connected, with a subscription whose replay is not through.
    Client& replaying() const {
        again->auto_plan = false;
        auto& back = again->connect(connect_packet("reader", v5, false, 600));
        back.subscribe("t", 2);
        again->plan(fetch_plan());
        return back;
    }
    [[nodiscard]] std::uint64_t number_of(std::string_view client) const {
        for (const auto& change : disk.content())
            if (const auto* session = std::get_if<SessionKept>(&change);
                session && session->client.view() == client)
                return session->session;
        return 0;
    }
    std::unique_ptr<World> again;
};

TEST_F(AfterARestart, WhoHadTheMessageDoesNotGetItAgain) {
    reader();
    world.connect(connect_packet("other", v5, false, 600)).subscribe("t", 2);
    commit();
    reborn(ReceivedKept{message->id, number_of("reader"), {}});
    EXPECT_THAT(again->broker.route_here(message, {}, {true, false}, again->now), IsEmpty());
    EXPECT_THAT(payloads_of("reader"), IsEmpty());
    EXPECT_THAT(payloads_of("other"), ElementsAre("x"));
}

TEST_F(AfterARestart, ThatEndsWithTheExchange) {
    reader();
    reborn(ReceivedKept{message->id, number_of("reader"), {}});
    again->broker.unrepeatable(message->id, again->now);
    again->broker.route(message, again->now);
    EXPECT_THAT(payloads_of("reader"), ElementsAre("x"));
}

/// Its row may come behind others that the reader has: no fetch may bring it once more.
TEST_F(AfterARestart, WhoHadAStoredMessageHasItsPlaceToo) {
    reader();
    reborn(ReceivedKept{message->id, number_of("reader"), {}});
    EXPECT_THAT(payloads_of("reader"), IsEmpty());
    message->stored = true;
    again->broker.route(message, again->now);
    again->run();
    ASSERT_THAT(again->positions, SizeIs(1));
    EXPECT_EQ(again->positions.front().id, message->id);
}

/// Its place is behind what a replay still holds: a position there would pass that over.
TEST_F(AfterARestart, ButNotBeforeWhatAReplayHolds) {
    reader();
    reborn(ReceivedKept{message->id, number_of("reader"), {}});
    EXPECT_THAT(payloads_of("reader"), IsEmpty());
    auto& back = replaying();
    auto held = stored_message("t", "held", 2, 1);
    held->stored = message->stored = true;
    again->broker.route(held, again->now);
    again->broker.route(message, again->now);
    again->page({});
    commit_again();
    EXPECT_THAT(back.payloads(), ElementsAre("held"));
    EXPECT_THAT(again->positions, IsEmpty());
}

/// The rules had stored it when the broker died, and the publisher is back after the reader.
TEST_F(AfterARestart, WhoGotTheMessageFromTheStoreDoesNotGetItAgain) {
    reader();
    reborn(IncomingKept{4711, 7, Stage::taken, message->id});
    auto& back = replaying();
    again->page({message});
    commit_again();
    EXPECT_THAT(back.payloads(), ElementsAre("x"));
    back.pubrec(1);
    back.pubcomp(1);
    again->broker.route(message, again->now);
    commit_again();
    EXPECT_THAT(back.payloads(), IsEmpty());
    std::vector<Change> changes;
    again->broker.swap_changes(changes);
    const ReceivedKept noted{message->id, number_of("reader"), {}};
    EXPECT_EQ(1,
              std::ranges::count_if(changes,
                                    [&](const Change& change) {
                                        const auto* one = std::get_if<ReceivedKept>(&change);
                                        return one && *one == noted;
                                    }))
        << "nor after the next restart";
}

TEST_F(AfterARestart, ANodeThatHasOneShardNowKnowsItToo) {
    reader();
    commit();
    reborn(ReceivedKept{message->id, number_of("reader"), {}});
    again->broker.route(message, again->now);
    EXPECT_THAT(payloads_of("reader"), IsEmpty());
}

TEST_F(AfterARestart, AGroupOfWhichAMemberHadTheMessageDoesNotGetItAgain) {
    reader("$share/g/t");
    const ReceivedKept received{message->id, 4711, "$share/g/t"};
    for (const auto* way : {"place", "route_here", "route"}) {
        reborn(received);
        const auto group = again->broker.find_group("$share/g/t");
        if (std::string_view{way} == "place")
            EXPECT_TRUE(again->broker.place(message, group, true, again->now));
        else if (std::string_view{way} == "route")
            again->broker.route(message, again->now);
        else
            EXPECT_THAT(again->broker.route_here(message, {group}, {true, false}, again->now),
                        IsEmpty());
        EXPECT_THAT(payloads_of("reader"), IsEmpty()) << way;
    }
}

TEST_F(AfterARestart, AMessageThatOnlyMovesOnWithinItsGroupArrives) {
    reader("$share/g/t");
    reborn(ReceivedKept{message->id, 4711, "$share/g/t"});
    const auto group = again->broker.find_group("$share/g/t");
    EXPECT_TRUE(again->broker.place(message, group, false, again->now));
    EXPECT_THAT(payloads_of("reader"), ElementsAre("x"));
}

TEST_F(AfterARestart, ASharedCopyIsNotTheSessionsOwn) {
    reader();
    reborn(ReceivedKept{message->id, number_of("reader"), "$share/g/t"});
    EXPECT_THAT(again->broker.route_here(message, {}, {true, false}, again->now), IsEmpty());
    EXPECT_THAT(payloads_of("reader"), ElementsAre("x"));
}

}  // namespace
}  // namespace keepmq::broker::testing
