#include "config/plugin_conf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/tests/kinds.hpp"
#include "config/tests/problems.hpp"

namespace keepmq::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Fixtures : public ::testing::TestWithParam<const char*> {
  protected:
    static PluginConf read(const std::string& name) {
        const auto kind = name.substr(0, name.find('_'));
        Diagnostics diagnostics;
        auto conf = read_plugin_conf(
            std::string{KEEPMQ_TEST_DATA_DIR} + "/fixtures/emqx_backend_" + name + ".conf",
            options_of(kind),
            diagnostics);
        EXPECT_THAT(problems_of(diagnostics), IsEmpty());
        return conf;
    }
};

TEST_P(Fixtures, LoadUnmodified) {
    const std::string name = GetParam();
    const auto conf = read(name);
    EXPECT_EQ(conf.kind, name.substr(0, name.find('_')));
    ASSERT_THAT(conf.pools, SizeIs(1));
    EXPECT_EQ(conf.pools[0].name, "pool1");
    EXPECT_GE(conf.rules.size(), 9U);
    for (const auto& rule : conf.rules) EXPECT_EQ(rule.pool, "pool1");
}

INSTANTIATE_TEST_SUITE_P(AllLines,
                         Fixtures,
                         ::testing::Values("mysql_zh",
                                           "mysql_en",
                                           "mysql_tutorial",
                                           "pgsql_zh",
                                           "pgsql_en",
                                           "pgsql_tutorial",
                                           "redis_zh",
                                           "redis_en",
                                           "mongo_zh",
                                           "mongo_en",
                                           "cassa_zh",
                                           "cassa_en"),
                         [](const auto& one) { return std::string{one.param}; });

using FixtureContents = Fixtures;

TEST_F(FixtureContents, PoolKeysWithoutPoolGoToPool1) {
    const auto conf = read("mysql_tutorial");
    const auto& properties = conf.pools.at(0).properties;
    EXPECT_EQ(properties.at("server").value, "127.0.0.1:3306");
    EXPECT_EQ(properties.at("username").value, "root");
    EXPECT_EQ(conf.settings.at("time_range").value, "5s");
}

TEST_F(FixtureContents, CassandraHasItsOwnPoolSegment) {
    const auto conf = read("cassa_en");
    EXPECT_EQ(conf.pools.at(0).properties.at("nodes").value, "127.0.0.1:9042");
    EXPECT_EQ(conf.settings.at("max_returned_count").value, "500");
}

TEST_F(FixtureContents, PluginWideSettingsAreApart) {
    EXPECT_EQ(read("redis_en").settings.at("msg.expired_after").value, "3600");
    EXPECT_EQ(read("mongo_en").settings.at("topology.socket_timeout_ms").value, "100");
}

TEST_F(FixtureContents, OptionsOfRulesAreRead) {
    const auto mongo = read("mongo_zh");
    const auto fetch = std::ranges::find(mongo.rules, "on_message_fetch", &RuleSpec::function);
    ASSERT_NE(fetch, mongo.rules.end());
    EXPECT_EQ(fetch->max_returned_count, 500U);
    EXPECT_EQ(fetch->time_range, std::chrono::hours{2});
    const auto redis = read("redis_zh");
    const auto publish = std::ranges::find(redis.rules, "on_message_publish", &RuleSpec::function);
    ASSERT_NE(publish, redis.rules.end());
    EXPECT_EQ(publish->expired_time, 3600);
    const auto forget = std::ranges::find(redis.rules, "commands", &RuleSpec::statement_member);
    ASSERT_NE(forget, redis.rules.end());
    EXPECT_THAT(forget->statements, ElementsAre("DEL mqtt:acked:${clientid}:${topic}"));
}

// --- problems ----------------------------------------------------------------------------------

struct Parsed {
    PluginConf conf;
    std::vector<std::string> problems;
};

Parsed parse(std::string_view kind, const std::string& text) {
    Diagnostics diagnostics;
    auto conf = parse_plugin_conf(text, "f.conf", options_of(kind), diagnostics);
    return {std::move(conf), problems_of(diagnostics)};
}

std::vector<std::string> problems(std::string_view kind, const std::string& text) {
    return parse(kind, text).problems;
}

/// The problems of one rule with this JSON, without the place.
std::vector<std::string> rule_problems(const std::string& value, std::string_view kind = "mysql") {
    const auto key = "backend." + std::string{kind} + ".hook.message.publish.1";
    auto texts = problems(kind, key + " = " + value);
    for (auto& text : texts) {
        if (const auto at = text.find(key); at != std::string::npos)
            text.erase(0, at + key.size() + 2);
    }
    return texts;
}

TEST(PluginConf, RulesAreInOrderOfTheirNumbers) {
    const auto rule = [](const std::string& hook) {
        return "backend.mysql.hook." + hook + R"( = {"action": {"sql": ["x"]}, "pool": "p"})" +
               "\n";
    };
    const auto conf =
        parse("mysql",
              rule("message.publish.10") + rule("message.publish.9") + rule("client.connected.3"))
            .conf;
    ASSERT_THAT(conf.rules, SizeIs(3));
    EXPECT_EQ(conf.rules[0].hook, Hook::client_connected);
    EXPECT_EQ(conf.rules[1].ordinal, 9);
    EXPECT_EQ(conf.rules[2].ordinal, 10);
}

TEST(PluginConf, LaterRuleWithTheSameKeyWins) {
    const auto parsed = parse("mysql",
                              "backend.mysql.hook.session.subscribed.1 = {\"action\": "
                              "{\"function\": \"a\"}, \"pool\": \"p\"}\n"
                              "backend.mysql.hook.session.subscribed.1 = {\"action\": "
                              "{\"function\": \"b\"}, \"pool\": \"p\"}\n");
    ASSERT_THAT(parsed.conf.rules, SizeIs(1));
    EXPECT_EQ(parsed.conf.rules[0].function, "b");
    EXPECT_THAT(
        parsed.problems,
        ElementsAre("f.conf:2: warning: backend.mysql.hook.session.subscribed.1: is set again "
                    "here: line 1 is ignored (remove one of the two)"));
}

TEST(PluginConf, AcceptsBothSpellingsOfDelivered) {
    const auto conf = parse("mysql",
                            "backend.mysql.hook.message.deliver.1 = {\"action\": {\"sql\": "
                            "[\"x\"]}, \"pool\": \"p\"}")
                          .conf;
    ASSERT_THAT(conf.rules, SizeIs(1));
    EXPECT_EQ(conf.rules[0].hook, Hook::message_delivered);
}

TEST(PluginConf, UnknownKeysAreWarningsWithAGuess) {
    EXPECT_THAT(
        problems("mysql", "backend.mysql.pool1.pol_size = 8"),
        ElementsAre("f.conf:1: warning: backend.mysql.pool1.pol_size: unknown pool property "
                    "pol_size is ignored (did you mean pool_size?)"));
    EXPECT_THAT(problems("mysql", "backend.mysql.max_returned_cnt = 8"),
                ElementsAre("f.conf:1: warning: backend.mysql.max_returned_cnt: unknown setting "
                            "max_returned_cnt is ignored (did you mean max_returned_count?)"));
    EXPECT_THAT(problems("mongo", "backend.mongo.topology.pol_size = 8"),
                ElementsAre("f.conf:1: warning: backend.mongo.topology.pol_size: unknown setting "
                            "topology.pol_size is ignored (did you mean topology.pool_size?)"));
    EXPECT_THAT(
        problems("cassa", "backend.mongo.time_range = 2h"),
        ElementsAre("f.conf:1: warning: backend.mongo.time_range: unknown key is ignored (keys "
                    "of this file start with backend.cassa. or backend.ecql.)"));
}

TEST(PluginConf, TwoSpellingsOfOneSettingAreReported) {
    const auto parsed =
        parse("mysql", "backend.mysql.pool1.server = a\nbackend.mysql.server = b\n");
    EXPECT_EQ(parsed.conf.pools.at(0).properties.at("server").value, "b");
    EXPECT_THAT(
        parsed.problems,
        ElementsAre("f.conf:2: warning: backend.mysql.server: sets what line 1 already set, "
                    "which is ignored (remove one of the two)"));
}

TEST(PluginConf, ChecksPluginWideSettings) {
    EXPECT_THAT(
        problems("mysql", "backend.mysql.max_returned_count = many"),
        ElementsAre("f.conf:1: error: backend.mysql.max_returned_count: must be a whole number "
                    "above 0 or infinity (for example 500)"));
    EXPECT_THAT(
        problems("mysql", "backend.mysql.time_range = 2x"),
        ElementsAre("f.conf:1: error: backend.mysql.time_range: must be a duration or infinity "
                    "(for example 2h, with one of d, h, m, s)"));
    EXPECT_THAT(problems("redis", "backend.redis.msg.expired_after = x"),
                ElementsAre("f.conf:1: error: backend.redis.msg.expired_after: must be a number of "
                            "seconds or infinity (for example 3600)"));
    EXPECT_THAT(problems("redis", "backend.redis.msg.expired_after = -1"), IsEmpty());
    EXPECT_THAT(problems("mysql", "backend.mysql.time_range = infinity"), IsEmpty());
}

TEST(PluginConf, RuleKeysNeedAHookAndANumber) {
    EXPECT_THAT(
        problems("mysql", "backend.mysql.hook.message.publsh.1 = {}"),
        ElementsAre("f.conf:1: error: backend.mysql.hook.message.publsh.1: no hook is called "
                    "message.publsh (did you mean message.publish?)"));
    for (const std::string tail : {"message.publish",
                                   "message.publish.x",
                                   "message.publish.-1",
                                   "message.publish.99999999999"}) {
        EXPECT_THAT(problems("mysql", "backend.mysql.hook." + tail + " = {}"),
                    ElementsAre("f.conf:1: error: backend.mysql.hook." + tail +
                                ": a rule key ends in a number (for example .1)"));
    }
}

TEST(PluginConf, BadJsonIsReportedWithColumnAndHint) {
    // The line that older Cassandra pages print.
    EXPECT_THAT(
        problems("cassa",
                 R"(backend.cassa.hook.session.unsubscribed.1= {"topic": "#", action": {"cql": )"
                 R"(["delete from acked where client_id = ${clientid}"]}, "pool": "pool1"})"),
        ElementsAre("f.conf:1: error: backend.cassa.hook.session.unsubscribed.1: not valid JSON at "
                    "column 59 (a quote is missing before the member name)"));
    const std::string at = "not valid JSON at column ";
    EXPECT_THAT(rule_problems(R"({"pool": "p",})"),
                ElementsAre(at + "53 (remove the comma before it)"));
    EXPECT_THAT(rule_problems(R"({'pool': "p"})"), ElementsAre(at + "41 (JSON has double quotes)"));
    EXPECT_THAT(rule_problems(R"({"pool": p})"),
                ElementsAre(at + "49 (a text value stands in double quotes)"));
    EXPECT_THAT(rule_problems(R"({"pool": "p" "topic": "#"})"),
                ElementsAre(at + "53 (a comma or colon is missing before it)"));
    EXPECT_THAT(rule_problems(R"({"pool": "p")"),
                ElementsAre(at + "52 (the line ends inside the value; a rule is one line)"));
    EXPECT_THAT(rule_problems(R"({} x)"), ElementsAre(at + "43"));
    EXPECT_THAT(
        rule_problems("[1]"),
        ElementsAre(R"(a rule must be a JSON object (write {"action": {...}, "pool": "pool1"}))"));
    EXPECT_THAT(rule_problems(std::string(1'000, '[')), SizeIs(1));
}

TEST(PluginConf, AllProblemsOfARuleComeAtOnce) {
    EXPECT_THAT(
        rule_problems(R"({"topic": 1, "fetch_from": 2, "expird_time": 3})"),
        ElementsAre(R"("topic" must be a text in quotes)",
                    R"("fetch_from" must be a text in quotes)",
                    R"(unknown member "expird_time" is ignored (did you mean "expired_time"?))",
                    R"("action" is missing)",
                    R"("pool" is missing (write "pool": "pool1"))"));
}

TEST(PluginConf, ChecksActions) {
    const auto action = [](const std::string& json, std::string_view kind = "mysql") {
        return rule_problems(R"({"pool": "p", "action": )" + json + "}", kind);
    };
    EXPECT_THAT(action("1"),
                ElementsAre(R"("action" must be an object (write {"function": "..."}))"));
    EXPECT_THAT(action("{}"),
                ElementsAre(R"("action" must have exactly one member ("function" or "sql"))"));
    EXPECT_THAT(action(R"({"function": "a", "sql": ["b"]})"),
                ElementsAre(R"("action" must have exactly one member ("function" or "sql"))"));
    EXPECT_THAT(action(R"({"SQL": ["b"]})"),
                ElementsAre(R"(unknown action "SQL" (did you mean "sql"?))"));
    EXPECT_THAT(action(R"({"cql": ["b"]})"),
                ElementsAre(R"("cql" is not an action of this database (use "sql"))"));
    EXPECT_THAT(action(R"({"sql": ["b"]})", "mongo"),
                ElementsAre(R"("sql" is not an action of this database (it has functions only))"));
    EXPECT_THAT(action(R"({"sql": "b"})"),
                ElementsAre(R"("sql" must be a list of texts (write ["..."]))"));
    EXPECT_THAT(action(R"({"sql": []})"),
                ElementsAre(R"("sql" must be a list of texts (write ["..."]))"));
    EXPECT_THAT(action(R"({"sql": ["a", 1]})"),
                ElementsAre(R"("sql" must be a list of texts (write ["..."]))"));
    EXPECT_THAT(action(R"({"function": 7})"),
                ElementsAre(R"("function" must be a text in quotes)"));
    EXPECT_THAT(action(R"({"function": ""})"), ElementsAre(R"("function" is empty)"));
}

TEST(PluginConf, ChecksOptions) {
    const auto with = [](const std::string& member) {
        return rule_problems(R"({"pool": "p", "action": {"function": "f"}, )" + member + "}");
    };
    EXPECT_THAT(
        with(R"("offline_opts": 1)"),
        ElementsAre(R"("offline_opts" must be an object (write {"max_returned_count": 500, )"
                    R"("time_range": "2h"}))"));
    EXPECT_THAT(
        with(R"("offline_opts": {"max_returned_count": 0})"),
        ElementsAre(R"("max_returned_count" must be a whole number above 0 or "infinity")"));
    EXPECT_THAT(
        with(R"("offline_opts": {"time_range": 5})"),
        ElementsAre(R"("time_range" must be a duration or "infinity" (write "2h", with one of )"
                    R"(d, h, m, s))"));
    EXPECT_THAT(
        with(R"("offline_opts": {"time_rang": "5s"})"),
        ElementsAre(R"(unknown member "time_rang" of "offline_opts" is ignored (did you mean )"
                    R"("time_range"?))"));
    EXPECT_THAT(with(R"("expired_time": "x")"),
                ElementsAre(R"("expired_time" must be a whole number of seconds or "infinity")"));
    EXPECT_THAT(with(R"("expired_time": 99999999999999)"), SizeIs(1));
    EXPECT_THAT(
        with(R"("payload_format": "xml")"),
        ElementsAre(R"("payload_format" cannot be "xml" (write "mongo_json" or "plain_text"))"));
}

TEST(PluginConf, ReadsOurOwnOptions) {
    const auto conf =
        parse("mysql",
              R"(backend.mysql.hook.message.publish.1 = {"action": {"function": "f"}, )"
              R"("pool": "p", "durability": "none", "deliver": "after_commit", )"
              R"("fetch_from": "latest", "expired_time": "infinity", )"
              R"("offline_opts": {"max_returned_count": "infinity", "time_range": "infinity"}})")
            .conf;
    ASSERT_THAT(conf.rules, SizeIs(1));
    const auto& rule = conf.rules[0];
    EXPECT_EQ(rule.durability, "none");
    EXPECT_EQ(rule.deliver, "after_commit");
    EXPECT_EQ(rule.fetch_from, "latest");
    EXPECT_EQ(rule.expired_time, -1);
    EXPECT_TRUE(rule.max_returned_infinite);
    EXPECT_TRUE(rule.time_range_infinite);
}

TEST(PluginConf, NegativeExpiryIsTheDefault) {
    const auto conf =
        parse("redis",
              R"(backend.redis.hook.message.publish.1 = {"action": {"function": "f"}, )"
              R"("pool": "p", "expired_time": -5})")
            .conf;
    ASSERT_THAT(conf.rules, SizeIs(1));
    EXPECT_EQ(conf.rules[0].expired_time, 0);
}

TEST(PluginConf, AProblemIsOneLine) {
    EXPECT_THAT(rule_problems(R"({"pool": "p", "action": {"sql": ["x"]}, "\u000a\u007f": 1})"),
                ElementsAre(R"(unknown member "\x0a\x7f" is ignored)"));
}

TEST(PluginConf, SecretsAreNeverShown) {
    for (const std::string line : {"backend.mysql.pool1.pasword = hunter2",
                                   "backend.mysql.pool1.password hunter2",
                                   "backend.mysql.passwd = hunter2",
                                   "backend.other.pool1.password = hunter2"}) {
        const auto texts = problems("mysql", line);
        ASSERT_THAT(texts, SizeIs(1)) << line;
        EXPECT_EQ(texts[0].find("hunter2"), std::string::npos) << texts[0];
    }
}

}  // namespace
}  // namespace keepmq::config
