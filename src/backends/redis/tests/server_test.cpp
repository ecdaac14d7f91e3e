// What only a real server shows: time-outs, interrupts, lists of servers, expired and foreign keys.

#include <future>

#include "backends/redis/servers.hpp"
#include "backends/redis/tests/support.hpp"
#include "backends/redis/tidier.hpp"

namespace keepmq::redis::test {
namespace {

using store::errc;
using store::Failure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RedisServer : public testing::Test {
  protected:
    RedisServer() { shell_.run({"FLUSHDB"}); }

    std::unique_ptr<store::Connection> connect(Properties more = {}) {
        backends_.push_back(make_backend(more));
        auto connection = backends_.back()->connect(store::Role::writer);
        expect_ok(connection->open());
        return connection;
    }

    static void write(store::Connection& connection, const std::vector<store::Op>& ops) {
        expect_ok(test::write(connection, ops));
        EXPECT_THAT(connection.take_refused(), IsEmpty());
    }

    std::vector<std::string> members(const std::string& key) {
        std::vector<std::string> all;
        for (const auto& one : shell_.run({"ZRANGE", key, "0", "-1"}).list) all.push_back(one.text);
        return all;
    }

    Shell shell_;
    std::vector<std::unique_ptr<store::Backend>> backends_;
};

store::FetchMessages query_for(std::string_view filter,
                               store::FetchMode mode = store::FetchMode::after_cursor) {
    store::FetchMessages query;
    query.client = ClientId{"c"};
    query.filter = TopicFilter{filter};
    query.mode = mode;
    return query;
}

TEST_F(RedisServer, AnInterruptEndsABlockedCall) {
    const auto connection = connect({{"read_timeout", "60s"}});
    const store::Op op = execute({{"BLPOP nothing 0"}});
    const store::Op* const batch = &op;
    auto outcome = std::async(std::launch::async, [&] {
        return connection->write({&batch, 1}, store::Attempt::first);
    });
    // The server says when the call has come to it.
    while (shell_.run({"CLIENT", "LIST"}).text.find("cmd=blpop") == std::string::npos) {
    }
    connection->interrupt();
    const auto failure = outcome.get();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::connection_lost, failure->code);
    expect_ok(connection->open());
    write(*connection, {store::StoreMessage{message(1, "t"), store::Keep::all, {}}});
}

TEST_F(RedisServer, ACallThatTakesTooLongIsGivenUp) {
    const auto connection = connect({{"read_timeout", "50ms"}});
    const store::Op op = execute({{"BLPOP nothing 0"}});
    const store::Op* const batch = &op;
    const auto failure = connection->write({&batch, 1}, store::Attempt::first);
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::timed_out, failure->code);
    EXPECT_THAT(failure->text, HasSubstr(server_under_test()));
    // The late answer of the old connection is not taken for one of the new.
    expect_ok(connection->open());
    write(*connection, {store::StoreMessage{message(1, "t", "new"), store::Keep::all, {}}});
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t"))), ElementsAre("new"));
}

TEST_F(RedisServer, ServersAreTriedInTurn) {
    // Nothing listens on the first two.
    const auto connection = connect({{"server", "127.0.0.1:1,[::1]:1," + server_under_test()}});
    write(*connection, {store::StoreMessage{message(1, "t", "x"), store::Keep::all, {}}});
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t"))), ElementsAre("x"));
}

TEST_F(RedisServer, NobodyThereIsUnreachable) {
    const auto backend = make_backend({{"server", "127.0.0.1:1"}});
    const auto failure = backend->connect(store::Role::writer)->open();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::unreachable, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("127.0.0.1:1"));
}

TEST_F(RedisServer, AWrongPasswordIsDenied) {
    const auto backend = make_backend({{"username", "nobody"}, {"password", "secret"}});
    const auto failure = backend->connect(store::Role::writer)->open();
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::access_denied, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("WRONGPASS"));
    EXPECT_THAT(failure->text, Not(HasSubstr("secret")));
}

TEST_F(RedisServer, OperationsOnKeysOfAnotherTypeAreRefusedAlone) {
    const auto connection = connect();
    shell_.run({"SET", "mqtt:msg:taken", "text"});
    const store::Op refused = store::StoreMessage{message(1, "taken"), store::Keep::all, {}};
    const store::Op latest =
        store::InitCursor{ClientId{"c"}, TopicFilter{"taken"}, store::FetchFrom::latest, at(1)};
    const store::Op good = store::StoreMessage{message(2, "free", "x"), store::Keep::all, {}};
    const store::Op refused_too = store::StoreMessage{message(3, "taken"), store::Keep::all, {}};
    const std::vector<const store::Op*> batch{&refused, &latest, &good, &refused_too};
    expect_ok(connection->write(batch, store::Attempt::first));
    const auto found = connection->take_refused();
    ASSERT_EQ(3U, found.size());
    EXPECT_EQ(0U, found[0].index);
    EXPECT_EQ(1U, found[1].index);
    EXPECT_EQ(3U, found[2].index);
    EXPECT_EQ(errc::bad_value, found[0].failure.code);
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("taken"))), IsEmpty());
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("+"))), ElementsAre("x"));
}

/// A batch writes the index of a topic once, and still in the order of its operations.
TEST_F(RedisServer, WhatABatchStoresItCanRemoveAgain) {
    const auto connection = connect();
    const auto minute = std::chrono::minutes{1};
    write(*connection,
          {store::StoreMessage{message(1, "t", "1"), store::Keep::all, minute},
           store::StoreMessage{message(2, "t", "2"), store::Keep::all, minute},
           store::RemoveMessage{TopicName{"t"}, message_id(1)},
           store::StoreMessage{message(3, "other", "3"), store::Keep::all, minute},
           execute({{"ZREM mqtt:msg:other " + message_id(3).to_string()}}),
           store::StoreMessage{message(4, "t", "4"), store::Keep::all, {}},
           store::StoreMessage{message(5, "other", "5"), store::Keep::all, minute},
           store::StoreMessage{message(6, "last", "6"), store::Keep::all, {}},
           store::StoreMessage{message(7, "last", "7"), store::Keep::latest, {}}});
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t"))), ElementsAre("2", "4"));
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("+"))), ElementsAre("2", "4", "5", "7"));
    EXPECT_THAT(members("mqtt:msg:last"), ElementsAre(message_id(7).to_string()));
    // An index lives as long as the last of its messages.
    EXPECT_EQ(-1, shell_.run({"TTL", "mqtt:msg:t"}).integer);
    EXPECT_LT(0, shell_.run({"TTL", "mqtt:msg:other"}).integer);
    EXPECT_LT(0, shell_.run({"TTL", "mqtt:msg:" + message_id(2).to_string()}).integer);
}

TEST_F(RedisServer, AForeignPositionIsReplaced) {
    const auto connection = connect();
    const auto first = message(1, "t", "1");
    write(*connection,
          {store::StoreMessage{first, store::Keep::all, {}},
           store::StoreMessage{message(2, "t", "2"), store::Keep::all, {}}});
    shell_.run({"SET", "mqtt:acked:c:t", "Mjk0MTUyOTE1NjA1ODYxNjAzMTEzMDc4NzE4NDk5Mzg5NDF"});
    write(*connection, {store::AdvanceCursor{ClientId{"c"}, first->topic, first->id, at(1)}});
    EXPECT_EQ(first->id.to_string(), shell_.run({"GET", "mqtt:acked:c:t"}).text);
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t"))), ElementsAre("2"));
}

TEST_F(RedisServer, ExpiredMessagesLeaveTheIndexAndTheOneBeforeIsTheNewest) {
    const auto connection = connect();
    std::vector<store::Op> ops;
    for (int i = 1; i <= 4; ++i)
        ops.emplace_back(
            store::StoreMessage{message(i, "t", std::to_string(i)), store::Keep::all, {}});
    write(*connection, ops);
    for (const int expired : {1, 3, 4})
        shell_.run({"DEL", "mqtt:msg:" + message_id(expired).to_string()});
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t", store::FetchMode::latest))),
                ElementsAre("2"));
    EXPECT_THAT(payloads(fetch_all(*connection, query_for("t"))), ElementsAre("2"));
    EXPECT_THAT(members("mqtt:msg:t"), ElementsAre(message_id(2).to_string()));
}

TEST_F(RedisServer, ManyTopicsOfOneFilterStayInOrder) {
    constexpr int topics = 200;
    constexpr int long_topic = 150;  // messages; more than are asked for at once
    const auto connection = connect();
    std::vector<store::Op> ops;
    std::vector<std::string> expected;
    for (int i = 1; i <= topics + long_topic; ++i) {
        const int topic = i % 2 == 0 && i / 2 <= long_topic ? 0 : i;
        expected.push_back(std::to_string(i));
        ops.emplace_back(store::StoreMessage{
            message(i, "w/" + std::to_string(topic), expected.back()), store::Keep::all, {}});
    }
    write(*connection, ops);
    auto query = query_for("w/+", store::FetchMode::queue);
    query.limit = topics;
    EXPECT_EQ(expected, payloads(fetch_all(*connection, query)));
}

TEST_F(RedisServer, PagesOfManyTopicsMissNothingThatIsStoredMeanwhile) {
    const auto first = connect();
    const auto second = backends_.back()->connect(store::Role::reader);
    expect_ok(second->open());
    std::vector<store::Op> ops;
    std::vector<std::string> expected;
    for (int i = 1; i <= 60; ++i) {
        expected.push_back(std::to_string(i));
        ops.emplace_back(store::StoreMessage{
            message(i, "w/" + std::to_string(i % 20), expected.back()), store::Keep::all, {}});
    }
    write(*first, ops);
    // Any reader may be asked for the next page; one page is asked for twice.
    std::vector<std::string> found;
    auto query = query_for("w/+");
    query.limit = 7;
    int late = 100;
    for (int page_number = 0;; ++page_number) {
        const auto page = page_of(page_number % 2 == 0 ? *first : *second, query);
        if (page_number == 3) {
            const auto again = page_of(*first, query);
            ASSERT_EQ(page.messages.size(), again.messages.size());
            EXPECT_EQ(page.messages.back()->id, again.messages.back()->id);
        }
        for (const auto& one : page.messages) found.push_back(one->payload);
        if (!page.next)
            break;
        query.after = page.next;
        if (page_number < 3) {
            expected.push_back(std::to_string(++late));
            write(*first,
                  {store::StoreMessage{message(late,
                                               "w/" + std::string(page_number == 0 ? "new" : "3"),
                                               expected.back()),
                                       store::Keep::all,
                                       {}}});
        }
    }
    EXPECT_EQ(expected, found);
}

TEST_F(RedisServer, TheTidierTakesOutWhatHasNoKeyAndNothingElse) {
    const auto connection = connect();
    write(*connection,
          {store::StoreMessage{message(1, "alive"), store::Keep::all, {}},
           store::StoreRetained{message(2, "kept"), {}}});
    shell_.run({"ZADD", "keepmq:topics", "0", "gone", "0", "gone too"});
    shell_.run({"ZADD", "keepmq:retained", "0", "gone"});
    const auto settings = settings_of<Settings>(conf_of_test());
    const auto servers = make_servers(settings, std::make_shared<PoolFacts>());
    expect_ok(servers->open());
    Tidier{*servers}.work(std::chrono::steady_clock::now());
    EXPECT_THAT(members("keepmq:topics"), ElementsAre("alive"));
    EXPECT_THAT(members("keepmq:retained"), ElementsAre("kept"));
}

}  // namespace
}  // namespace keepmq::redis::test
