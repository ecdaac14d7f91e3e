// What survives a restart, and what waits until it does.

#include "broker/tests/disk.hpp"
#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

/// A world whose changes wait until a test commits them.
struct KeptWorld : World {
    explicit KeptWorld(const Disk& from = {}, std::chrono::seconds later = 0s) {
        now.wall += later;
        broker.restore(from.content(), now);
        run();
    }
    Client& lasting(std::string_view client) {
        return connect(connect_packet(client, v5, false, 600));
    }
    void commit(Disk& disk) {
        disk.write(broker);
        broker.on_committed(broker.changes_made());
        run();
    }
    void fail() {
        broker.on_commit_failed(now);
        run();
    }
};

struct Kept : ::testing::Test {
    void reborn() {
        world.reset();
        world = std::make_unique<KeptWorld>(disk, std::chrono::seconds{++restarts});
    }
    void commit() { world->commit(disk); }

    Disk disk;
    int restarts = 0;
    std::unique_ptr<KeptWorld> world = std::make_unique<KeptWorld>();
};

TEST_F(Kept, NothingIsChangedForSessionsThatEndWithTheirConnection) {
    auto& reader = world->connect("reader");
    reader.subscribe("t", 2);
    auto& publisher = world->connect("publisher");
    publisher.publish("t", "one", 1, 1);
    publisher.publish("t", "two", 2, 2);
    EXPECT_THAT(publisher.take(), ElementsAre("PUBACK(1)", "PUBREC(2)"));
    publisher.pubrel(2);
    EXPECT_THAT(publisher.take(), ElementsAre("PUBCOMP(2)"));
    EXPECT_EQ(world->broker.changes_made(), 0U);
}

TEST(KeptOff, NothingIsChangedAndNothingWaits) {
    World world;
    auto& reader = world.connect(connect_packet("reader", v5, false, 600));
    reader.subscribe("t", 2);
    reader.publish("t", "x", 2, 1, true);
    EXPECT_THAT(reader.take(), Contains("PUBREC(1)"));
    EXPECT_EQ(world.broker.changes_made(), 0U);
}

TEST_F(Kept, PubackWaitsForTheQueueOfASessionThatIsAway) {
    auto& reader = world->lasting("reader");
    reader.subscribe("t", 1);
    commit();
    reader.lose();
    auto& publisher = world->connect("publisher");
    publisher.publish("t", "x", 1, 1);
    publisher.publish("nobody", "x", 1, 2);
    EXPECT_THAT(publisher.take(), IsEmpty()) << "the second one has its turn after the first";
    commit();
    EXPECT_THAT(publisher.take(), ElementsAre("PUBACK(1)", "PUBACK(2)"));
    reborn();
    EXPECT_THAT(world->lasting("reader").payloads(), ElementsAre("x"));
}

TEST_F(Kept, WhoConcernsNoLastingSessionDoesNotWait) {
    world->lasting("reader").subscribe("t", 1);
    auto& publisher = world->connect("publisher");
    publisher.publish("other", "x", 1, 1);
    EXPECT_THAT(publisher.take(), ElementsAre("PUBACK(1)"));
}

TEST_F(Kept, Qos1IsDeliveredAtOnceAndQos2WhenItsIdentifierIsDurable) {
    auto& reader = world->lasting("reader");
    reader.subscribe("t/#", 2);
    commit();
    reader.take();
    auto& publisher = world->connect("publisher");
    publisher.publish("t/1", "one", 1, 1);
    EXPECT_THAT(reader.payloads(), ElementsAre("one"));
    publisher.publish("t/2", "two", 2, 2);
    EXPECT_THAT(reader.payloads(), IsEmpty());
    commit();
    EXPECT_THAT(reader.payloads(), ElementsAre("two"));
}

TEST_F(Kept, PubrelWaitsUntilTheMessageCannotComeAgain) {
    auto& reader = world->lasting("reader");
    reader.subscribe("t", 2);
    world->connect("publisher").publish("t", "x", 2, 1);
    commit();
    const auto id = reader.messages().at(0).packet_id;
    reader.take();
    reader.pubrec(id);
    EXPECT_THAT(reader.take(), IsEmpty());
    commit();
    EXPECT_THAT(reader.take(), ElementsAre("PUBREL(1)"));
    reborn();
    auto& again = world->open();
    again.send(connect_packet("reader", v5, false, 600));
    commit();
    EXPECT_THAT(again.said(), Contains("PUBREL(1)"));
    EXPECT_THAT(again.payloads(), IsEmpty());
}

TEST_F(Kept, SubackUnsubackAndPubcompWait) {
    auto& client = world->lasting("client");
    commit();
    client.take();
    client.subscribe("t", 1);
    EXPECT_THAT(client.take(), IsEmpty());
    commit();
    EXPECT_THAT(client.take(), ElementsAre("SUBACK(100,01)"));
    client.publish("x", "x", 2, 7);
    EXPECT_THAT(client.take(), IsEmpty());
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)"));
    client.pubrel(7);
    EXPECT_THAT(client.take(), IsEmpty());
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBCOMP(7)"));
    client.unsubscribe("t");
    EXPECT_THAT(client.take(), IsEmpty());
    commit();
    EXPECT_THAT(client.take(), ElementsAre("UNSUBACK(101,00)"));
}

TEST_F(Kept, ADiscardedSessionIsGoneBeforeItsClientHearsSo) {
    world->lasting("client").lose();
    commit();
    auto& fresh = world->open();
    fresh.send(connect_packet("client", v5, true, 600));
    EXPECT_THAT(fresh.take(), IsEmpty());
    commit();
    EXPECT_THAT(fresh.take(), ElementsAre("CONNACK(0)"));
}

TEST_F(Kept, AMessageWithAnInterruptedStoreKeepsItsIdentity) {
    world->auto_settle = false;
    auto& client = world->lasting("client");
    client.publish("t", "x", 2, 7);
    commit();
    EXPECT_THAT(client.take(), Not(Contains("PUBREC(7)"))) << "the rules' store did not answer";
    const auto id = world->published.at(0)->id;
    reborn();
    world->advance(1s);
    auto& reader = world->connect("reader");
    reader.subscribe("t", 2);
    auto& again = world->lasting("client");
    auto repeated = publish_packet("t", "x", 2, 7);
    repeated.dup = true;
    again.send(repeated);
    ASSERT_THAT(world->published, SizeIs(1)) << "the rules see it once more";
    EXPECT_EQ(world->published.at(0)->id, id);
    EXPECT_THAT(reader.payloads(), IsEmpty()) << "it was routed before";
    commit();
    EXPECT_THAT(again.take(), Contains("PUBREC(7)"));
    again.send(repeated);
    EXPECT_THAT(world->published, SizeIs(1)) << "now it is known to be stored";
}

TEST_F(Kept, NothingIsStoredBeforeItsIdentityIsDurable) {
    auto& client = world->lasting("client");
    commit();
    client.publish("t", "x", 2, 7);
    const auto before = world->broker.changes_made();
    EXPECT_GT(before, 0U);
    std::vector<Change> changes;
    world->broker.swap_changes(changes);
    ASSERT_FALSE(changes.empty());
    const auto* taken = std::get_if<IncomingKept>(&changes.front());
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(taken->id, world->published.at(0)->id);
}

TEST_F(Kept, WhenNothingCanBeWrittenWhoWaitsIsRefused) {
    auto& reader = world->lasting("reader");
    reader.subscribe("t", 1);
    commit();
    reader.lose();
    commit();
    auto& five = world->connect("five");
    auto& three = world->connect("three", v3);
    five.publish("t", "x", 1, 1);
    three.publish("t", "x", 1, 1);
    auto& subscriber = world->lasting("subscriber");
    subscriber.subscribe("t", 1);
    five.take();
    world->fail();
    EXPECT_THAT(five.take(), ElementsAre("PUBACK(1,97)"));
    EXPECT_TRUE(three.closed);
    EXPECT_THAT(subscriber.take(), ElementsAre("DISCONNECT(97)", "CLOSED"));
    // When it can be written again, all goes on.
    five.publish("t", "y", 1, 2);
    EXPECT_THAT(five.take(), IsEmpty());
    commit();
    EXPECT_THAT(five.take(), ElementsAre("PUBACK(2)"));
}

TEST_F(Kept, ARefusedQos2IdentifierIsFree) {
    auto& client = world->lasting("client");
    commit();
    client.take();
    client.publish("t", "x", 2, 7);
    world->fail();
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7,97)"));
    client.publish("t", "y", 2, 7);
    commit();
    EXPECT_THAT(client.take(), ElementsAre("PUBREC(7)"));
    EXPECT_THAT(world->published, SizeIs(2));
}

TEST_F(Kept, MessagesBehindAReplaySurvive) {
    world->auto_plan = false;
    auto& reader = world->lasting("reader");
    reader.subscribe("t", 1);
    world->plan(fetch_plan());  // the fence waits for its page
    world->connect("publisher").publish("t", "live", 1, 1);
    commit();
    reborn();
    world->auto_plan = false;
    world->stored = true;
    world->connect("publisher").publish("t", "later", 1, 1);
    auto& again = world->lasting("reader");
    world->plan(fetch_plan());
    EXPECT_THAT(again.payloads(), IsEmpty()) << "what is stored comes first";
    world->page({stored_message("t", "old", 1)});
    EXPECT_THAT(again.payloads(), ElementsAre("old", "live", "later"));
    for (const auto& one : {1, 2, 3}) again.puback(static_cast<mqtt::PacketId>(one));
    commit();
    reborn();
    EXPECT_THAT(world->lasting("reader").payloads(), IsEmpty());
}

TEST_F(Kept, ThePositionDoesNotPassWhatIsNotKnownAnyMore) {
    world->auto_plan = false;
    world->stored = true;
    auto& reader = world->lasting("reader");
    reader.subscribe("t", 1);
    world->plan(fetch_plan());
    world->page({});
    world->connect("publisher").publish("t", "queued", 1, 1);
    const auto queued = world->published.at(0);
    commit();
    reborn();
    world->auto_plan = false;
    auto& again = world->lasting("reader");
    world->plan(fetch_plan());
    again.puback(again.messages().at(0).packet_id);
    EXPECT_THAT(world->positions, IsEmpty()) << "something older may be open";
    world->page({stored_message("t", "dropped", 1), queued});
    const auto got = again.messages();
    ASSERT_THAT(got, SizeIs(1)) << "the queued one does not come twice";
    EXPECT_EQ(got[0].payload, "dropped");
    again.puback(got[0].packet_id);
    ASSERT_FALSE(world->positions.empty());
    EXPECT_EQ(world->positions.back().id, queued->id);
}

TEST_F(Kept, AnExpiredSessionIsOverAfterTheRestart) {
    world->lasting("away").lose();
    world->lasting("connected");
    commit();
    const auto stopped = world->now.wall;
    world.reset();
    world = std::make_unique<KeptWorld>();
    world->now.wall = stopped + 700s;
    world->broker.restore(disk.content(), world->now);
    world->advance(1s);
    EXPECT_FALSE(world->session("away"));
    EXPECT_TRUE(world->session("connected")) << "it counts from when it was last known to live";
    world->advance(600s);
    EXPECT_FALSE(world->session("connected"));
    commit();
    EXPECT_EQ(disk.rows(), 0U);
}

TEST_F(Kept, ADelayedWillIsPublishedAfterTheRestart) {
    auto packet = connect_packet("mortal", v5, false, 600);
    packet.will = mqtt::Will{.topic = "will", .payload = "gone", .delay_interval = 30};
    world->connect(packet).lose();
    commit();
    reborn();
    auto& watcher = world->connect("watcher");
    watcher.subscribe("will", 1);
    world->advance(28s);  // the restart took one
    EXPECT_THAT(watcher.payloads(), IsEmpty());
    world->advance(1s);
    EXPECT_THAT(watcher.payloads(), ElementsAre("gone"));
    commit();
    reborn();
    auto& second = world->connect("watcher");
    second.subscribe("will", 1);
    world->advance(60s);
    EXPECT_THAT(second.payloads(), IsEmpty());
}

TEST_F(Kept, ALeaseIsKept) {
    world->auto_plan = false;
    world->stored = true;
    auto& reader = world->lasting("reader");
    reader.subscribe("q", 1);
    world->plan(fetch_plan(ReplayPlan::Mode::queue));
    const auto row = stored_message("q", "job", 5);
    world->page({row});
    commit();
    reborn();
    world->auto_plan = false;
    auto& other = world->connect("other");
    other.subscribe("q", 1);
    world->plan(fetch_plan(ReplayPlan::Mode::queue));
    world->page({row});
    EXPECT_THAT(other.payloads(), IsEmpty());
}

}  // namespace
}  // namespace keepmq::broker::testing
