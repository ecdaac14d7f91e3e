// Deliveries in the file: what is left of them after many commits, and the room that it takes.

#include <sys/resource.h>

#include <csignal>
#include <map>
#include <random>

#include "base/sqlite.hpp"
#include "sessions/tests/support.hpp"

namespace keepmq::sessions::testing {
namespace {

/// What the file must hold, by number.
struct Expected {
    std::uint64_t session = 0;
    MessageId message;  ///< null once released
    mqtt::PacketId packet_id = 0;
    bool released = false;

    bool operator==(const Expected&) const = default;
};
using Model = std::map<std::uint64_t, Expected>;

Model model_of(const std::vector<Change>& kept) {
    Model model;
    for (const auto& each : those<DeliveryKept>(kept))
        model[each.number] = {each.session,
                              each.message ? each.message->id : MessageId{},
                              each.packet_id,
                              each.released};
    return model;
}

struct SessionSegments : SessionFile {
    std::int64_t ask(const std::string& sql) {
        const auto database = embedded::open_database(path);
        embedded::Statement statement{database.get(), sql.c_str()};
        EXPECT_TRUE(statement && statement.step() == SQLITE_ROW) << sql;
        return statement.number();
    }
    [[nodiscard]] std::int64_t bytes() {
        return ask("select coalesce(sum(length(data)),0) from segments");
    }
};

TEST_F(SessionSegments, NothingIsLeftOfWhatIsGone) {
    open();
    std::vector<Change> made{session(1)};
    std::vector<Change> gone;
    for (std::uint64_t number = 1; number <= 1000; ++number) {
        made.emplace_back(delivery(1, number, message(number)));
        gone.emplace_back(DeliveryGone{number});
    }
    commit(std::move(made));
    commit({DeliverySent{1, 7}});
    EXPECT_GT(bytes(), 0);
    EXPECT_EQ(ask("select count(*) from marks"), 1);
    commit(std::move(gone));
    EXPECT_EQ(bytes(), 0);
    EXPECT_EQ(ask("select count(*) from marks"), 0);
}

TEST_F(SessionSegments, AMessageThatManyQueueIsThereOnce) {
    open();
    const auto large = message(1);
    large->payload.assign(100'000, 'x');
    std::vector<Change> made;
    for (std::uint64_t number = 1; number <= 5000; ++number)
        made.emplace_back(delivery(number, number, large));
    commit(std::move(made));
    EXPECT_LT(bytes(), 300'000);
}

TEST_F(SessionSegments, OneThatStaysDoesNotKeepTheRoomOfTheOthers) {
    open();
    for (std::uint64_t round = 0; round < 20; ++round) {
        std::vector<Change> made;
        std::vector<Change> gone;
        for (std::uint64_t number = 1000 * round + 1; number <= 1000 * (round + 1); ++number) {
            made.emplace_back(delivery(1, number, message(number)));
            if (number % 1000 != 500)
                gone.emplace_back(DeliveryGone{number});
        }
        commit(std::move(made));
        commit(std::move(gone));
    }
    EXPECT_LT(bytes(), 20 * 4096);
    open();
    const auto left = those<DeliveryKept>(kept);
    ASSERT_THAT(left, SizeIs(20));
    EXPECT_EQ(left[0].number, 500U) << "in the order of delivery";
    EXPECT_EQ(left[19].number, 19'500U);
    EXPECT_EQ(left[19].message->payload, message(19'500)->payload);
}

TEST_F(SessionSegments, WhatADiskRefusedIsWrittenOnceWhenItIsTriedAgain) {
    open();
    commit({session(1), delivery(1, 1, message(1)), delivery(1, 2, message(2))});
    Batch batch;
    for (Change change : std::initializer_list<Change>{
             DeliverySent{1, 9}, DeliveryGone{2}, delivery(1, 3, message(3))})
        batch.add(std::move(change));
    auto* const before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit nothing{0, limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &nothing), 0);
    const auto failure = file->commit(batch);
    const auto again = file->commit(batch);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::signal(SIGXFSZ, before);
    EXPECT_TRUE(failure && again);
    EXPECT_FALSE(file->commit(batch));
    open();
    EXPECT_EQ(model_of(kept),
              (Model{{1, {1, message(1)->id, 9, false}}, {3, {1, message(3)->id, 0, false}}}));
    commit({DeliveryGone{1}, DeliveryGone{3}});
    EXPECT_EQ(bytes(), 0);
}

TEST_F(SessionSegments, WhateverHappensToDeliveriesIsFoundAfterARestart) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    Model model;
    std::uint64_t number = 0;
    open();
    for (int round = 0; round < 60; ++round) {
        std::vector<Change> changes;
        for (auto left = below(200); left > 0; --left) {
            const auto sent = message(number + 1);
            sent->payload.assign(below(2000), 'x');
            for (auto receivers = 1 + below(3); receivers > 0; --receivers) {
                const auto session = 1 + below(5);
                changes.emplace_back(delivery(session, ++number, sent));
                model[number] = {session, sent->id, 0, false};
            }
        }
        // Some rounds empty nearly everything, others add to what waits.
        for (auto at = model.begin(); at != model.end();) {
            auto& [which, delivery] = *at;
            const auto fate = below(round % 7 == 6 ? 2 : 12);
            if (fate == 0 && delivery.packet_id == 0) {
                delivery.packet_id = static_cast<mqtt::PacketId>(1 + below(65'535));
                changes.emplace_back(DeliverySent{which, delivery.packet_id});
            } else if (fate == 0 && !delivery.released) {
                delivery.released = true;
                delivery.message = {};
                changes.emplace_back(DeliveryReleased{which});
            } else if (fate == 1) {
                changes.emplace_back(DeliveryGone{which});
                at = model.erase(at);
                continue;
            }
            ++at;
        }
        commit(std::move(changes));
        if (below(4) != 0)
            continue;
        open();
        ASSERT_EQ(model_of(kept), model);
    }
}

/// As the program wrote it before segments.
constexpr const char* format_1 =
    "create table messages(message integer primary key, msgid text not null, topic text not null,"
    " payload blob not null, qos int not null, retain int not null, stored int not null,"
    " sender text not null, username text not null, peerhost text not null, at int not null,"
    " properties blob);"
    "create table deliveries(number integer primary key, session int not null,"
    " message int not null, identifiers blob, share text not null, qos int not null,"
    " retain int not null, tracked int not null, leased int not null, held int not null,"
    " packet_id int not null, released int not null);"
    "insert into messages values"
    "(3,'000000000000000000aB','t/1',x'610062',2,1,0,'sender','u','::1',1700000000000000,null);"
    "insert into deliveries values(10,1,3,x'0000000500000006','$share/g/t/1',2,1,0,0,1,0,0),"
    "(12,2,3,x'','',1,0,0,0,0,4,0),(11,1,0,x'','',2,0,0,0,0,9,1);"
    "pragma user_version=1;";

TEST_F(SessionSegments, AFileOfTheFirstFormatIsTakenOver) {
    ASSERT_TRUE(embedded::execute(embedded::open_database(path).get(), format_1));
    for (int start = 1; start <= 2; ++start) {
        open();
        const auto read = those<DeliveryKept>(kept);
        ASSERT_THAT(read, SizeIs(3)) << "start " << start;
        EXPECT_EQ(read[0].number, 10U);
        EXPECT_EQ(read[0].session, 1U);
        EXPECT_EQ(read[0].message, read[2].message) << "one object";
        EXPECT_EQ(read[0].message->id.to_string(), "000000000000000000aB");
        EXPECT_EQ(read[0].message->payload, (std::string{"a\0b", 3}));
        EXPECT_EQ(read[0].message->username, "u");
        EXPECT_THAT(read[0].identifiers, ElementsAre(5, 6));
        EXPECT_EQ(read[0].share, "$share/g/t/1");
        EXPECT_TRUE(read[0].retain && read[0].held);
        EXPECT_TRUE(read[1].released);
        EXPECT_EQ(read[1].packet_id, 9);
        EXPECT_EQ(read[2].packet_id, 4);
    }
    EXPECT_EQ(ask("pragma user_version"), 2);
    EXPECT_EQ(ask("select count(*) from sqlite_master where name in ('messages','deliveries')"), 0);
    commit({DeliveryGone{10}, DeliveryGone{11}, DeliveryGone{12}});
    EXPECT_EQ(bytes(), 0);
}

TEST_F(SessionSegments, ARowThatMakesNoSenseIsDamage) {
    open();
    commit({session(1), delivery(1, 1, message(1))});
    file.reset();
    ASSERT_TRUE(embedded::execute(embedded::open_database(path).get(),
                                  "update segments set data=substr(data,1,length(data)-1)"));
    auto opened = File::open(path);
    ASSERT_TRUE(std::holds_alternative<std::unique_ptr<File>>(opened));
    const auto loaded = std::get<0>(opened)->load();
    const auto* failure = std::get_if<Failure>(&loaded);
    ASSERT_NE(failure, nullptr);
    EXPECT_TRUE(failure->damaged);
    EXPECT_THAT(failure->text, HasSubstr("table segments"));
}

}  // namespace
}  // namespace keepmq::sessions::testing
