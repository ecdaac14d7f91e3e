// What is written into the file is read from it.

#include "sessions/tests/support.hpp"

namespace keepmq::sessions::testing {
namespace {

TEST_F(SessionFile, ASessionIsReadAsItWasWritten) {
    open();
    auto away = session(7);
    away.client = ClientId{"cl'ient \xC3\xA4"};
    away.username = "u";
    away.peerhost = "::1";
    away.peer_port = 65'535;
    away.keep_alive = 60;
    away.version = mqtt::ProtocolVersion::v3_1_1;
    away.clean_start = true;
    away.expiry_interval = 0xFFFFFFFF;
    away.created_at = WallTime{Micros{1}};
    away.connected_at = WallTime{Micros{2}};
    away.disconnected_at = WallTime{Micros{3}};
    commit({away, session(8)});
    open();
    const auto read = those<SessionKept>(kept);
    ASSERT_THAT(read, SizeIs(2));
    EXPECT_EQ(read[0].client, away.client);
    EXPECT_EQ(read[0].username, "u");
    EXPECT_EQ(read[0].peerhost, "::1");
    EXPECT_EQ(read[0].peer_port, 65'535);
    EXPECT_EQ(read[0].keep_alive, 60);
    EXPECT_EQ(read[0].version, mqtt::ProtocolVersion::v3_1_1);
    EXPECT_TRUE(read[0].clean_start);
    EXPECT_EQ(read[0].expiry_interval, 0xFFFFFFFF);
    EXPECT_EQ(read[0].created_at, away.created_at);
    EXPECT_EQ(read[0].connected_at, away.connected_at);
    EXPECT_EQ(read[0].disconnected_at, away.disconnected_at);
    EXPECT_FALSE(read[1].disconnected_at) << "it was connected";
}

TEST_F(SessionFile, AMessageIsReadAsItWasWrittenAndOnceForAllWhoQueueIt) {
    open();
    const auto shared = message(5, "a/\xC3\xA4");
    auto properties = std::make_unique<MessageProperties>();
    properties->payload_format_indicator = 1;
    properties->message_expiry_interval = 77;
    properties->content_type = "";
    properties->response_topic = "answer";
    properties->correlation_data = std::string{"\0\1", 2};
    properties->user_properties = {{"k", "v"}, {"k", ""}};
    shared->properties = std::move(properties);
    shared->retain = shared->stored = true;
    auto first = delivery(1, 10, shared);
    first.identifiers = {1, 268'435'455};
    first.share = "$share/g/a/#";
    first.qos = Qos::exactly_once;
    first.retain = first.tracked = first.leased = true;
    auto second = delivery(2, 11, shared);
    second.held = true;
    commit({session(1), session(2), first, second, DeliverySent{11, 3}});
    open();
    const auto read = those<DeliveryKept>(kept);
    ASSERT_THAT(read, SizeIs(2));
    EXPECT_EQ(read[0].message, read[1].message) << "one object";
    const auto& m = *read[0].message;
    EXPECT_EQ(m.id, shared->id);
    EXPECT_EQ(m.topic, shared->topic);
    EXPECT_EQ(m.payload, shared->payload);
    EXPECT_EQ(m.sender, shared->sender);
    EXPECT_TRUE(m.retain && m.stored);
    ASSERT_TRUE(m.properties);
    EXPECT_EQ(m.properties->payload_format_indicator, 1);
    EXPECT_EQ(m.properties->message_expiry_interval, 77U);
    EXPECT_EQ(m.properties->content_type, "");
    EXPECT_EQ(m.properties->response_topic, "answer");
    EXPECT_EQ(m.properties->correlation_data, (std::string{"\0\1", 2}));
    EXPECT_EQ(m.properties->user_properties, shared->properties->user_properties);
    EXPECT_THAT(read[0].identifiers, ElementsAre(1, 268'435'455));
    EXPECT_EQ(read[0].share, "$share/g/a/#");
    EXPECT_EQ(read[0].qos, Qos::exactly_once);
    EXPECT_TRUE(read[0].retain && read[0].tracked && read[0].leased && !read[0].held);
    EXPECT_TRUE(read[1].held);
    EXPECT_EQ(read[1].packet_id, 3);
    // The last one who has it takes it away.
    commit({DeliveryGone{10}});
    open();
    EXPECT_THAT(those<DeliveryKept>(kept), SizeIs(1));
    commit({DeliveryReleased{11}});
    open();
    ASSERT_THAT(those<DeliveryKept>(kept), SizeIs(1));
    EXPECT_FALSE(those<DeliveryKept>(kept)[0].message);
    EXPECT_TRUE(those<DeliveryKept>(kept)[0].released);
    commit({DeliveryGone{11}});
    open();
    EXPECT_THAT(those<DeliveryKept>(kept), IsEmpty());
}

TEST_F(SessionFile, WhatBelongsToASessionGoesWithIt) {
    open();
    SubscriptionKept subscription{
        .session = 1, .filter = "$share/g/t", .identifier = 5, .number = 9};
    subscription.qos = Qos::exactly_once;
    subscription.no_local = subscription.retain_as_published = subscription.replays = true;
    subscription.retain_handling = mqtt::RetainHandling::do_not_send;
    commit({session(1),
            session(2),
            subscription,
            SubscriptionKept{.session = 2, .filter = "x"},
            IncomingKept{1, 4, Stage::routed, message(3)->id},
            WillKept{1, message(9, "will"), 30, WallTime{Micros{5}}}});
    open();
    const auto subscriptions = those<SubscriptionKept>(kept);
    ASSERT_THAT(subscriptions, SizeIs(2));
    EXPECT_EQ(subscriptions[0].filter, "$share/g/t");
    EXPECT_EQ(subscriptions[0].identifier, 5U);
    EXPECT_EQ(subscriptions[0].number, 9U);
    EXPECT_EQ(subscriptions[0].qos, Qos::exactly_once);
    EXPECT_TRUE(subscriptions[0].no_local && subscriptions[0].retain_as_published &&
                subscriptions[0].replays);
    EXPECT_EQ(subscriptions[0].retain_handling, mqtt::RetainHandling::do_not_send);
    const auto incoming = those<IncomingKept>(kept);
    ASSERT_THAT(incoming, SizeIs(1));
    EXPECT_EQ(incoming[0].packet_id, 4);
    EXPECT_EQ(incoming[0].stage, Stage::routed);
    EXPECT_EQ(incoming[0].id, message(3)->id);
    const auto wills = those<WillKept>(kept);
    ASSERT_THAT(wills, SizeIs(1));
    EXPECT_EQ(wills[0].delay, 30U);
    EXPECT_EQ(wills[0].due, WallTime{Micros{5}});
    EXPECT_EQ(wills[0].message->topic.view(), "will");
    commit({SessionGone{1}, SubscriptionGone{2, "x"}});
    open();
    EXPECT_THAT(kept, SizeIs(1)) << "the other session";
}

TEST_F(SessionFile, ATopicHasTheNewestRetainedMessage) {
    open();
    commit({RetainedKept{message(1, "a")}, RetainedKept{message(2, "b")}});
    commit({RetainedKept{message(3, "a")}, RetainedGone{TopicName{"b"}}});
    open();
    const auto read = those<RetainedKept>(kept);
    ASSERT_THAT(read, SizeIs(1));
    EXPECT_EQ(read[0].message->id, message(3)->id);
}

TEST_F(SessionFile, AFileOfANewerVersionIsLeftAlone) {
    open();
    file.reset();
    ASSERT_EQ(std::system(("sqlite3 " + path + " 'pragma user_version=99'").c_str()), 0);
    auto opened = File::open(path);
    const auto* failure = std::get_if<Failure>(&opened);
    ASSERT_NE(failure, nullptr);
    EXPECT_FALSE(failure->damaged);
    EXPECT_THAT(failure->text, HasSubstr("newer version"));
}

TEST(SessionBatch, WhatCameAndWentIsNotWritten) {
    Batch batch;
    const auto m = message(1);
    for (Change change : std::initializer_list<Change>{delivery(1, 10, m),
                                                       DeliverySent{10, 1},
                                                       DeliveryReleased{10},
                                                       DeliveryGone{10},
                                                       IncomingKept{1, 2, Stage::taken, m->id},
                                                       IncomingKept{1, 2, Stage::settled, m->id},
                                                       IncomingGone{1, 2}})
        batch.add(std::move(change));
    EXPECT_EQ(batch.size(), 0U);
}

TEST(SessionBatch, AnIdentifierThatIsInTheFileIsTakenOutOfIt) {
    Batch batch;
    for (Change change :
         std::initializer_list<Change>{IncomingGone{1, 2},
                                       IncomingKept{1, 2, Stage::taken, message(2)->id},
                                       IncomingGone{1, 2}})
        batch.add(std::move(change));
    ASSERT_EQ(batch.incoming.size(), 1U);
    EXPECT_FALSE(batch.incoming.begin()->second.kept);
}

}  // namespace
}  // namespace keepmq::sessions::testing
