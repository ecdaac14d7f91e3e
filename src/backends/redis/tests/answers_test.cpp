// What servers say: errors, topologies, hashes, messages of the channel.

#include "backends/redis/channel.hpp"
#include "backends/redis/errors.hpp"
#include "backends/redis/records.hpp"
#include "backends/redis/servers.hpp"
#include "backends/redis/tests/support.hpp"
#include "backends/redis/topology.hpp"

namespace keepmq::redis::test {
namespace {

using store::errc;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const store::Server asked{"10.0.0.1", 7000};

Answer text(std::string value) {
    return {.kind = Answer::Kind::text, .text = std::move(value)};
}
Answer number(std::int64_t value) {
    return {.kind = Answer::Kind::integer, .integer = value};
}
Answer list(std::vector<Answer> values) {
    return {.kind = Answer::Kind::list, .list = std::move(values)};
}
Answer error(std::string value) {
    return {.kind = Answer::Kind::error, .text = std::move(value)};
}

// --- errors --------------------------------------------------------------------------------------

TEST(RedisErrors, AreTheFaultOfTheCommandOrOfTheMoment) {
    EXPECT_EQ(errc::bad_value,
              classify("WRONGTYPE Operation against a key holding the wrong kind of value"));
    EXPECT_EQ(errc::bad_statement, classify("ERR unknown command 'FOO'"));
    EXPECT_EQ(errc::bad_statement, classify("ERR syntax error"));
    EXPECT_EQ(errc::bad_statement, classify("CROSSSLOT Keys in request don't hash to one slot"));
    for (const char* now : {"LOADING Redis is loading the dataset in memory",
                            "BUSY Redis is busy running a script.",
                            "CLUSTERDOWN The cluster is down",
                            "TRYAGAIN Multiple keys request during rehashing of slot",
                            "NOREPLICAS Not enough good replicas to write.",
                            "ERR max number of clients reached"})
        EXPECT_EQ(errc::busy, classify(now)) << now;
    for (const char* full : {"OOM command not allowed when used memory > 'maxmemory'.",
                             "MISCONF Redis is configured to save RDB snapshots",
                             "READONLY You can't write against a read only replica."})
        EXPECT_EQ(errc::storage_full, classify(full)) << full;
    for (const char* denied : {"NOAUTH Authentication required.",
                               "WRONGPASS invalid username-password pair or user is disabled.",
                               "NOPERM this user has no permissions to run the 'get' command",
                               "ERR invalid password",
                               "ERR DB index is out of range"})
        EXPECT_EQ(errc::access_denied, classify(denied)) << denied;
}

TEST(RedisErrors, CommandsOfTheUserAreCheckedByNameAndNumberOfArguments) {
    const auto set = list({text("set"), number(-3)});
    EXPECT_FALSE(dislike(set, {"SET", "k", "v"}));
    EXPECT_FALSE(dislike(set, {"SET", "k", "v", "EX", "1"}));
    EXPECT_THAT(dislike(set, {"SET", "k"})->text, HasSubstr("wrong number"));
    EXPECT_THAT(dislike(list({text("get"), number(2)}), {"GET", "k", "x"})->text,
                HasSubstr("wrong number"));
    EXPECT_THAT(dislike({}, {"SETT", "k"})->text, HasSubstr("unknown command \"SETT\""));
}

// --- topologies ----------------------------------------------------------------------------------

TEST(RedisTopology, Crc16) {
    EXPECT_EQ(0x31C3, crc16("123456789"));
    EXPECT_EQ(0, crc16(""));
}

TEST(RedisTopology, SlotsOfKeys) {
    EXPECT_EQ(12182U, slot_of("foo"));
    EXPECT_EQ(5061U, slot_of("bar"));
    EXPECT_EQ(slot_of("user1000"), slot_of("{user1000}.following"));
    EXPECT_EQ(slot_of("bar"), slot_of("foo{bar}{zap}"));
    // Nothing between the braces, or no second one: the whole key counts.
    EXPECT_EQ(crc16("foo{}{bar}") % slot_count, slot_of("foo{}{bar}"));
    EXPECT_EQ(crc16("foo{bar") % slot_count, slot_of("foo{bar"));
}

TEST(RedisTopology, KeysOfCommands) {
    EXPECT_EQ("k", routing_key({{"SET", "k", "v"}}));
    EXPECT_EQ("k", routing_key({{"EVAL", "return 1", "1", "k"}}));
    EXPECT_EQ("", routing_key({{"PING"}}));
}

TEST(RedisTopology, SlotMap) {
    const auto slots =
        parse_slots(list({list({number(0),
                                number(5460),
                                list({text("10.0.0.2"), number(7001), text("id1")}),
                                list({text("10.0.0.3"), number(7004), text("id2")})}),
                          list({number(5461), number(16383), list({{}, number(7002)})})}),
                    asked);
    ASSERT_TRUE(slots);
    ASSERT_EQ(2U, slots->size());
    EXPECT_EQ(5460U, (*slots)[0].last);
    EXPECT_EQ((store::Server{"10.0.0.2", 7001}), (*slots)[0].master);
    // The node that was asked does not know its own address.
    EXPECT_EQ((store::Server{"10.0.0.1", 7002}), (*slots)[1].master);
    EXPECT_FALSE(parse_slots(list({}), asked));
    EXPECT_FALSE(
        parse_slots(list({list({number(0), number(16384), list({text("h"), number(1)})})}), asked));
    EXPECT_FALSE(
        parse_slots(list({list({number(0), number(1), list({text("h"), number(0)})})}), asked));
    EXPECT_FALSE(parse_slots(error("ERR This instance has cluster support disabled"), asked));
}

TEST(RedisTopology, Redirects) {
    const auto moved = parse_redirect(error("MOVED 3999 127.0.0.1:6381"), asked);
    ASSERT_TRUE(moved);
    EXPECT_FALSE(moved->ask);
    EXPECT_EQ(3999U, moved->slot);
    EXPECT_EQ((store::Server{"127.0.0.1", 6381}), moved->to);
    const auto ask = parse_redirect(error("ASK 1 ::1:7"), asked);
    ASSERT_TRUE(ask);
    EXPECT_TRUE(ask->ask);
    EXPECT_EQ((store::Server{"::1", 7}), ask->to);
    EXPECT_EQ((store::Server{"10.0.0.1", 7}), parse_redirect(error("MOVED 1 :7"), asked)->to);
    for (const char* other : {"MOVED 16384 h:1", "MOVED x h:1", "MOVED 1 h", "MOVED 1 h:0", "ERR"})
        EXPECT_FALSE(parse_redirect(error(other), asked)) << other;
    EXPECT_FALSE(parse_redirect(text("MOVED 1 h:1"), asked));
}

TEST(RedisTopology, MasterAndRole) {
    EXPECT_EQ((store::Server{"10.0.0.9", 6379}),
              parse_master(list({text("10.0.0.9"), text("6379")})));
    EXPECT_FALSE(parse_master({}));
    const auto master = parse_role(list({text("master"), number(1), list({list({}), list({})})}));
    ASSERT_TRUE(master);
    EXPECT_TRUE(master->is_master);
    EXPECT_EQ(2U, master->replicas);
    EXPECT_FALSE(parse_role(list({text("slave"), text("h"), number(1)}))->is_master);
    EXPECT_FALSE(parse_role(error("NOPERM")));
}

TEST(RedisDurability, IsSaidInWords) {
    EXPECT_THAT(describe_durability("yes", "always"), HasSubstr("is on the disk"));
    EXPECT_THAT(describe_durability("yes", "everysec"), HasSubstr("everysec"));
    EXPECT_THAT(describe_durability("no", "always"), HasSubstr("is lost when it ends"));
    EXPECT_THAT(describe_durability("", ""), HasSubstr("unknown"));
}

// --- messages ------------------------------------------------------------------------------------

Answer hash(std::vector<std::pair<std::string, std::string>> fields) {
    std::vector<Answer> all;
    for (auto& [name, value] : fields) {
        all.push_back(text(std::move(name)));
        all.push_back(text(std::move(value)));
    }
    return list(std::move(all));
}

TEST(RedisRecords, BothSpellingsOfEmqx) {
    const auto id = message_id(5).to_string();
    for (const char* retain : {"true", "1"}) {
        const auto message = parse_message(hash({{"qos", "1"},
                                                 {"retain", retain},
                                                 {"ts", "1700000004"},
                                                 {"topic", "a/b"},
                                                 {"payload", std::string{"\0x", 2}},
                                                 {"from", "c"},
                                                 {"id", id}}),
                                           id);
        ASSERT_TRUE(message);
        EXPECT_EQ(message_id(5), message->id);
        EXPECT_EQ(Qos::at_least_once, message->qos);
        EXPECT_TRUE(message->retain);
        EXPECT_TRUE(message->stored);
        EXPECT_EQ((std::string{"\0x", 2}), message->payload);
        EXPECT_EQ("c", message->sender.str());
        EXPECT_EQ(at(4), message->at);
    }
    EXPECT_FALSE(parse_message(hash({{"topic", "t"}, {"retain", "0"}}), id)->retain);
    EXPECT_EQ(at(4) + std::chrono::milliseconds{250},
              parse_message(hash({{"topic", "t"}, {"ts", "1700000004250"}}), id)->at);
}

TEST(RedisRecords, TheIdKnowsTheTimeMoreExactly) {
    const MessageId id{static_cast<std::uint64_t>(at(4).time_since_epoch().count()) + 250, 1};
    const auto message =
        parse_message(hash({{"topic", "t"}, {"ts", "1700000004"}}), id.to_string());
    EXPECT_EQ(at(4) + Micros{250}, message->at);
    EXPECT_EQ(
        id.time(),
        parse_message(hash({{"topic", "t"}, {"ts", "154233875554215423"}}), id.to_string())->at)
        << "beyond all clocks";
}

TEST(RedisRecords, WhatIsNoMessage) {
    const auto id = message_id(5).to_string();
    EXPECT_FALSE(parse_message(hash({{"payload", "x"}}), id));
    EXPECT_FALSE(parse_message(hash({{"topic", "t"}}), "not an id"));
    EXPECT_FALSE(parse_message(hash({{"topic", "t"}}), {}));
    EXPECT_FALSE(parse_message({}, id));
    EXPECT_FALSE(parse_message(error("WRONGTYPE"), id));
    EXPECT_EQ(-1, parse_qos("one"));
    EXPECT_EQ(7, parse_qos("7"));
}

// --- the channel ---------------------------------------------------------------------------------

TEST(RedisChannel, Commands) {
    const auto subscribe =
        parse_command(R"({"type": "subscribe", "topic": "t/#", "clientid": "c", "qos": "2"})");
    const auto& command = std::get<store::ChannelCommand>(subscribe);
    EXPECT_EQ("c", command.client.str());
    EXPECT_EQ("t/#", command.filter.str());
    EXPECT_EQ(Qos::exactly_once, command.qos);
    const auto as_number =
        parse_command(R"({"type": "subscribe", "topic": "t", "clientid": "c", "qos": 1})");
    EXPECT_EQ(Qos::at_least_once, std::get<store::ChannelCommand>(as_number).qos);
    const auto unsubscribe =
        parse_command(R"({"type": "unsubscribe", "topic": "t", "clientid": "c"})");
    EXPECT_FALSE(std::get<store::ChannelCommand>(unsubscribe).qos);
}

TEST(RedisChannel, SaysWhatIsWrong) {
    const auto said = [](std::string_view message) {
        const auto parsed = parse_command(message);
        const auto* const problem = std::get_if<std::string>(&parsed);
        return problem == nullptr ? "" : *problem;
    };
    EXPECT_EQ("not a JSON object", said(""));
    EXPECT_EQ("not a JSON object", said("[]"));
    EXPECT_EQ("not a JSON object", said(R"({"type": "subscribe")"));
    EXPECT_THAT(said(R"({"type": "subscribe", "topic": "t", "qos": 1})"), HasSubstr("clientid"));
    for (const char* topic : {R"("")", R"("a/#/b")", "7", R"("\u0000")"})
        EXPECT_THAT(
            said(fmt::format(R"({{"type": "subscribe", "topic": {}, "clientid": "c", "qos": 1}})",
                             topic)),
            HasSubstr("topic"));
    for (const char* qos : {"3", "-1", R"("3")", R"("x")", "1.5", "null"})
        EXPECT_THAT(
            said(fmt::format(R"({{"type": "subscribe", "topic": "t", "clientid": "c", "qos": {}}})",
                             qos)),
            HasSubstr("qos"))
            << qos;
    EXPECT_THAT(said(R"({"type": "subscribe", "topic": "t", "clientid": "c"})"), HasSubstr("qos"));
    EXPECT_THAT(said(R"({"type": "kick", "topic": "t", "clientid": "c"})"), HasSubstr("type"));
}

}  // namespace
}  // namespace keepmq::redis::test
