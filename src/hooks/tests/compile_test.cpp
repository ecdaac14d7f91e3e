#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "config/tests/kinds.hpp"
#include "hooks/tests/conf.hpp"
#include "hooks/tests/events.hpp"

namespace keepmq::hooks {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NotNull;
using ::testing::SizeIs;

class Shipped : public ::testing::TestWithParam<const char*> {};

/// Loads the file under its own kind, as a broker would.
void expect_to_compile(const std::string& kind, const std::string& path) {
    const auto options = config::options_of(kind);
    auto descriptor = database(options.kind, options.statement_member);
    descriptor.pool_properties = options.pool_properties;
    Diagnostics diagnostics;
    auto conf = config::read_plugin_conf(path, options, diagnostics);
    const auto rules = conf.rules.size();
    EXPECT_GE(rules, 9U);
    const auto loaded = compiled(std::move(conf), descriptor, diagnostics);
    EXPECT_THAT(loaded.problems, IsEmpty());
    ASSERT_THAT(loaded.rules, NotNull());
    EXPECT_THAT(loaded.rules->rules(), SizeIs(rules));
}

TEST_P(Shipped, FilesOfEmqxCompileWithoutAWord) {
    const std::string name = GetParam();
    expect_to_compile(name.substr(0, name.find('_')),
                      std::string{KEEPMQ_TEST_DATA_DIR} +
                          "/../../config/tests/fixtures/emqx_backend_" + name + ".conf");
}

INSTANTIATE_TEST_SUITE_P(AllLines,
                         Shipped,
                         ::testing::Values("mysql_zh",
                                           "mysql_en",
                                           "mysql_tutorial",
                                           "pgsql_zh",
                                           "pgsql_en",
                                           "pgsql_tutorial",
                                           "mongo_zh",
                                           "mongo_en",
                                           "cassa_zh",
                                           "cassa_en",
                                           "redis_zh",
                                           "redis_en"),
                         [](const auto& one) { return std::string{one.param}; });

TEST(Compile, OurOwnFileCompilesWithoutAWord) {
    expect_to_compile(
        "sqlite",
        std::string{KEEPMQ_TEST_DATA_DIR} + "/../../../etc/plugins/emqx_backend_sqlite.conf");
}

/// The lines of a shipped file that are switched off by `## `, as if they were not.
std::string samples_of(const std::string& path) {
    std::ifstream in{path};
    std::string text;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("## backend."))
            text += line.substr(3) + '\n';
    }
    return text;
}

TEST(Compile, SamplesInOurOwnFileCompile) {
    const auto samples = samples_of(std::string{KEEPMQ_TEST_DATA_DIR} +
                                    "/../../../etc/plugins/emqx_backend_sqlite.conf");
    EXPECT_THAT(samples, HasSubstr("on_message_store"));
    const auto loaded =
        load_text("backend.sqlite.pool1.server = x\n" + samples, database("sqlite", "sql"));
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_THAT(loaded.rules, NotNull());
}

/// Problems without file and key.
std::vector<std::string> problems(const RuleLines& rules) {
    auto texts = load(rules).problems;
    for (auto& text : texts) {
        const auto severity = text.find(": ");
        const auto key = text.find(": ", severity + 2);
        text =
            text.substr(severity + 2, key - severity) + text.substr(text.find(": ", key + 2) + 2);
    }
    return texts;
}

TEST(Compile, UnknownAndMisplacedFunctions) {
    EXPECT_THAT(problems({{"message.publish.1", function("on_mesage_publish")}}),
                ElementsAre(R"(error: unknown function "on_mesage_publish" (did you mean )"
                            R"("on_message_publish"?))"));
    EXPECT_THAT(
        problems({{"message.acked.1", function("on_message_publish")}}),
        ElementsAre(R"(error: the function "on_message_publish" does not belong to message.acked )"
                    R"((bind it to message.publish))"));
    EXPECT_THAT(
        problems({{"session.subscribed.1", function("on_subscription_lookup")}}),
        ElementsAre(R"(error: the function "on_subscription_lookup" does not belong to )"
                    R"(session.subscribed (bind it to client.connected, session.created or )"
                    R"(session.resumed))"));
}

TEST(Compile, AliasesAreTheSameFunction) {
    const auto loaded =
        load({{"session.subscribed.1", function("on_message_fetch_for_pubsub")},
              {"message.acked.1", function("on_message_acked_for_pubsub")},
              {"client.connected.1", R"("action": {"function": "on_subscription_lookup"})"}});
    ASSERT_THAT(loaded.rules, NotNull());
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.rules->rules()[0].function, Function::on_subscribe_lookup);
    EXPECT_EQ(loaded.rules->rules()[1].function, Function::on_message_fetch);
    EXPECT_EQ(loaded.rules->rules()[2].function, Function::on_message_acked);
}

TEST(Compile, UnknownPool) {
    EXPECT_THAT(
        problems({{"message.publish.1", function("on_message_publish") + R"(, "pool": "pool3")"}}),
        ElementsAre(R"(error: unknown pool "pool3" (configured here: pool1, pool2))"));
    EXPECT_THAT(
        load_text("backend.mysql.hook.client.connected.1 = {" + sql("x") + R"(, "pool": "p"})")
            .problems,
        ElementsAre(R"(f:1: error: backend.mysql.hook.client.connected.1: unknown pool "p" (this )"
                    "file configures no pool)"));
}

TEST(Compile, Topics) {
    EXPECT_THAT(
        problems({{"message.publish.1", function("on_message_publish", "a/#/b")}}),
        ElementsAre("error: \"a/#/b\" is not a topic filter (`#` only as the last level, `+` only "
                    "as a whole level)"));
    EXPECT_THAT(problems({{"message.publish.1", function("on_message_publish", "")}}), SizeIs(1));
    EXPECT_THAT(
        problems({{"message.publish.1", function("on_message_publish", "$share/g/a")}}),
        ElementsAre("error: the topic filter names a shared subscription (rules see the filter "
                    "without $share/<group>/: write what follows it)"));
    EXPECT_THAT(problems({{"client.connected.1", function("on_client_connected")}}),
                ElementsAre("warning: \"topic\" has no effect on client.connected"));
}

TEST(Compile, OptionsHaveTheirWords) {
    const auto publish = function("on_message_publish");
    EXPECT_THAT(
        problems({{"message.publish.1", publish + R"(, "durability": "later")"}}),
        ElementsAre(
            R"(error: "durability" cannot be "later" (write "commit" or "enqueue" or "none"))"));
    EXPECT_THAT(
        problems({{"message.publish.1", publish + R"(, "deliver": "later")"}}),
        ElementsAre(R"(error: "deliver" cannot be "later" (write "immediate" or "after_commit"))"));
    EXPECT_THAT(
        problems({{"message.publish.1",
                   publish + R"(, "deliver": "after_commit", "durability": "none")"}}),
        ElementsAre(
            R"(error: "deliver": "after_commit" needs "durability": "commit" (leave one of )"
            "the two out)"));
    EXPECT_THAT(
        problems(
            {{"session.subscribed.1", function("on_message_fetch") + R"(, "fetch_from": "now")"}}),
        ElementsAre(R"(error: "fetch_from" cannot be "now" (write "earliest" or "latest"))"));
}

TEST(Compile, OptionsOutOfPlaceAreWarnings) {
    EXPECT_THAT(
        problems({{"message.acked.1",
                   function("on_message_acked") +
                       R"(, "durability": "none", "deliver": "immediate", "fetch_from": "latest", )"
                       R"("expired_time": 5, "offline_opts": {"time_range": "5s"})"}}),
        ElementsAre("warning: \"offline_opts\" has no effect here (it belongs to on_message_fetch)",
                    "warning: \"fetch_from\" has no effect here (it belongs to on_message_fetch)",
                    "warning: \"expired_time\" has no effect here (it belongs to rules that store)",
                    "warning: \"durability\" has no effect here (it belongs to message.publish)",
                    "warning: \"deliver\" has no effect here (it belongs to message.publish)"));
}

TEST(Compile, OptionsThatMeanNothingToTheFunctionAreWarnings) {
    EXPECT_THAT(
        problems({{"session.subscribed.1",
                   function("on_message_fetch_for_queue") + R"(, "fetch_from": "latest")"}}),
        ElementsAre("warning: \"fetch_from\" has no effect here (one-to-one delivers all that is "
                    "stored)"));
    EXPECT_THAT(
        problems({{"message.publish.1",
                   function("on_message_publish") + R"(, "payload_format": "mongo_json")"}}),
        ElementsAre("warning: \"payload_format\" has no effect here (it belongs to rules that "
                    "store in MongoDB)"));
}

TEST(Compile, TemplateProblemsFailTheRule) {
    const auto loaded = load(
        {{"client.connected.1", sql("${topic} ${clentid}")}, {"client.connected.2", sql("'")}});
    EXPECT_EQ(loaded.rules, nullptr);
    EXPECT_THAT(loaded.problems, SizeIs(2));
}

TEST(Compile, RuleOptionsWinOverPluginWideOnes) {
    const auto fetch = function("on_message_fetch");
    const auto text =
        conf_of(
            {{"session.subscribed.1", function("on_message_fetch", "a")},
             {"session.subscribed.2",
              function("on_message_fetch", "b") +
                  R"(, "offline_opts": {"max_returned_count": 7, "time_range": "infinity"})"}}) +
        "backend.mysql.max_returned_count = 500\nbackend.mysql.time_range = 5s\n";
    const auto loaded = load_text(text);
    ASSERT_THAT(loaded.rules, NotNull());
    const auto rules = loaded.rules->rules();
    EXPECT_EQ(rules[0].max_returned_count, 500U);
    EXPECT_EQ(rules[0].time_range, std::chrono::seconds{5});
    EXPECT_EQ(rules[1].max_returned_count, 7U);
    EXPECT_EQ(rules[1].time_range, std::nullopt);
}

std::optional<std::int64_t> expiry(const std::string& kind,
                                   const std::string& rule,
                                   const std::string& wide) {
    auto text = conf_of({{"message.publish.1", function("on_message_publish") + rule}}, kind);
    if (!wide.empty())
        text += "backend." + kind + ".msg.expired_after = " + wide + "\n";
    const auto loaded = load_text(text, database(kind, "sql"));
    if (!loaded.rules)
        return -1;
    const auto time = loaded.rules->rules()[0].expired_time;
    return time ? std::optional<std::int64_t>{time->count()} : std::nullopt;
}

TEST(Compile, ExpiryOfRedis) {
    EXPECT_EQ(expiry("redis", R"(, "expired_time": 5)", "60"), 5);
    EXPECT_EQ(expiry("redis", R"(, "expired_time": 0)", "60"), 60);
    EXPECT_EQ(expiry("redis", R"(, "expired_time": -1)", "60"), 60);
    EXPECT_EQ(expiry("redis", "", "60"), 60);
    EXPECT_EQ(expiry("redis", "", "0"), 3600);
    EXPECT_EQ(expiry("redis", "", "-1"), 3600);
    EXPECT_EQ(expiry("redis", "", ""), 3600);
    EXPECT_EQ(expiry("redis", R"(, "expired_time": "infinity")", "60"), std::nullopt);
    EXPECT_EQ(expiry("redis", "", "infinity"), std::nullopt);
}

TEST(Compile, ElsewhereNothingExpiresUnlessAsked) {
    EXPECT_EQ(expiry("mysql", "", ""), std::nullopt);
    EXPECT_EQ(expiry("mysql", R"(, "expired_time": 5)", ""), 5);
    EXPECT_EQ(expiry("mysql", "", "1d"), 86'400);
}

TEST(Compile, StoringTwiceIsSaid) {
    EXPECT_THAT(
        problems({{"message.publish.1", function("on_message_publish")},
                  {"message.publish.4", function("on_message_store")}}),
        ElementsAre(
            "warning: does the same as message.publish.1 (on_message_publish, #) where both "
            "match: it is done once (on_message_store replaces on_message_publish: remove "
            "the rule with the latter)"));
    EXPECT_THAT(
        problems({{"session.subscribed.1", function("on_message_fetch")},
                  {"session.subscribed.2", function("on_message_fetch_for_queue", "q/#")}}),
        ElementsAre(
            "warning: does the same as session.subscribed.1 (on_message_fetch, #) where both "
            "match: it is done once (remove one of the two)"));
}

const std::string in_pool2 = R"(, "pool": "pool2")";

TEST(Compile, OnePoolPerTopicForStoringFetchingAndAcknowledging) {
    EXPECT_THAT(
        load({{"message.publish.1", function("on_message_publish", "a/#")},
              {"session.subscribed.1", function("on_message_fetch", "+/b") + in_pool2}})
            .problems,
        ElementsAre(
            "f:3: error: backend.mysql.hook.message.publish.1: uses the pool \"pool1\", but "
            "session.subscribed.1 (on_message_fetch, +/b) covers the same topics in "
            "\"pool2\" (storing, fetching and acknowledging a topic need one pool)"));
    EXPECT_THAT(problems({{"message.publish.1", function("on_message_publish")},
                          {"message.acked.1", function("on_message_acked") + in_pool2}}),
                SizeIs(1));
    EXPECT_THAT(problems({{"session.subscribed.1", function("on_message_fetch")},
                          {"message.acked.1", function("on_message_acked") + in_pool2}}),
                SizeIs(1));
    EXPECT_THAT(problems({{"session.subscribed.1", function("on_message_fetch")},
                          {"session.unsubscribed.1", function("on_acked_delete") + in_pool2}}),
                SizeIs(1));
}

TEST(Compile, CopiesAndSeparateTopicsMayGoElsewhere) {
    EXPECT_THAT(problems({{"message.publish.1", function("on_message_publish")},
                          {"message.publish.2", function("on_message_publish") + in_pool2},
                          {"message.publish.3", function("on_message_retain") + in_pool2}}),
                IsEmpty());
    EXPECT_THAT(
        problems({{"message.publish.1", function("on_message_publish", "a/#")},
                  {"session.subscribed.1", function("on_message_fetch", "b/#") + in_pool2}}),
        IsEmpty());
    EXPECT_THAT(problems({{"message.publish.1", function("on_message_publish")},
                          {"message.acked.1", sql("x ${msgid}") + in_pool2}}),
                IsEmpty());
}

TEST(Compile, OverlapBetweenPluginsIsFound) {
    const auto first = load({{"message.publish.1", function("on_message_publish", "a/#")}});
    const auto second = load_text(
        conf_of({{"session.subscribed.1", function("on_message_fetch", "#")}}), database(), "g");
    const auto apart = load({{"session.subscribed.1", function("on_message_fetch", "b/#")}});
    ASSERT_TRUE(first.rules && second.rules && apart.rules);
    Diagnostics diagnostics;
    check_overlap(*first.rules, *apart.rules, "emqx_backend_x", diagnostics);
    EXPECT_THAT(diagnostics.all(), IsEmpty());
    check_overlap(*first.rules, *second.rules, "emqx_backend_x", diagnostics);
    ASSERT_THAT(diagnostics.all(), SizeIs(1));
    EXPECT_EQ(diagnostics.all()[0].to_string(),
              "g:3: error: backend.mysql.hook.session.subscribed.1: emqx_backend_x covers the same "
              "topics as "
              "message.publish.1 (on_message_publish, a/#) of f (storing, fetching and "
              "acknowledging a topic "
              "need one database)");
}

class Dialect : public store::Backend {
  public:
    std::unique_ptr<store::Connection> connect(store::Role) const override { return nullptr; }
    std::size_t lanes() const override { return 1; }
    std::size_t readers() const override { return 1; }
    std::string durability() const override { return {}; }
    std::string schema_script() const override { return {}; }
    store::SchemaReport check_schema() const override { return {}; }
    std::optional<store::Failure> create_schema() const override { return {}; }
    bool auto_create_schema() const override { return false; }
    std::optional<store::Failure> try_statement(const store::Statement&) const override {
        return {};
    }
    std::string placeholder(std::size_t index) const override {
        return "$" + std::to_string(index + 1);
    }
};

TEST(Explain, IsOneLinePerRule) {
    const auto loaded = load(
        {{"client.connected.3",
          "\"action\": {\"sql\": [\"insert into c\\nvalues(${clientid}, ${ts})\", \"select 1\"]}"},
         {"message.publish.1",
          function("on_message_publish") + R"(, "expired_time": 5, "deliver": "after_commit")"},
         {"session.subscribed.1",
          function("on_message_fetch", "a") +
              R"(, "fetch_from": "latest", "offline_opts": {"max_returned_count": 9})"},
         {"session.subscribed.2", function("on_message_fetch_for_keep_latest", "b")},
         {"session.subscribed.3", function("on_message_fetch_for_queue", "c")}});
    ASSERT_THAT(loaded.rules, NotNull());
    std::vector<std::string> lines;
    for (const auto& rule : loaded.rules->rules())
        lines.push_back(explain(*loaded.rules, rule, Dialect{}));
    EXPECT_THAT(
        lines,
        ElementsAre(
            "client.connected.3 -> insert into c values($1, $2) [$1 = ${clientid}, $2 = ${ts}]; "
            "select 1 -> pool1",
            "session.subscribed.1 a -> on_message_fetch (from latest, at most 9) -> pool1",
            "session.subscribed.2 b -> on_message_fetch_for_keep_latest (from earliest) -> pool1",
            "session.subscribed.3 c -> on_message_fetch_for_queue -> pool1",
            "message.publish.1 # -> on_message_publish (acknowledged when committed, delivered "
            "after the commit, kept 5 s) -> pool1"));
}

}  // namespace
}  // namespace keepmq::hooks
