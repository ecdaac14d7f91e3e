#include "hooks/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace keepmq::hooks {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Compiled {
    std::optional<CompiledStatement> statement;
    std::vector<std::string> problems;
};

using Compile = decltype(compile_sql);

Compiled compile(std::string_view text,
                 Hook hook = Hook::message_publish,
                 Compile* how = &compile_sql) {
    Diagnostics diagnostics;
    Compiled result;
    result.statement = how(text, hook, {"f", 3}, "k", diagnostics);
    for (auto one : diagnostics.all()) {
        one.origin = {"f", 0};
        one.key.clear();
        result.problems.push_back(one.to_string().substr(3));
    }
    return result;
}

std::vector<std::string> pieces(std::string_view text) {
    const auto compiled = compile(text);
    EXPECT_THAT(compiled.problems, IsEmpty()) << text;
    return compiled.statement ? compiled.statement->statement.pieces : std::vector<std::string>{};
}

TEST(Template, SplitsAtVariables) {
    const auto compiled = compile("insert into msg(msgid, topic) values(${msgid}, ${topic})");
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(compiled.statement->statement.pieces,
                ElementsAre("insert into msg(msgid, topic) values(", ", ", ")"));
    ASSERT_THAT(compiled.statement->parameters, SizeIs(2));
    EXPECT_EQ(compiled.statement->parameters[0].variable, Variable::msgid);
    EXPECT_EQ(compiled.statement->parameters[1].source, "${topic}");
    EXPECT_EQ(compiled.statement->statement.origin.line, 3);
}

TEST(Template, WithoutVariablesIsOnePiece) {
    EXPECT_THAT(pieces("select 1"), ElementsAre("select 1"));
    EXPECT_THAT(pieces("select '$', 'it''s', \"a\", `b`"),
                ElementsAre("select '$', 'it''s', \"a\", `b`"));
    EXPECT_THAT(pieces("select $1 {x}"), ElementsAre("select $1 {x}"));
}

TEST(Template, VariablesMayTouch) {
    EXPECT_THAT(pieces("${clientid}${topic}"), ElementsAre("", "", ""));
    EXPECT_THAT(pieces("f(${ clientid })"), ElementsAre("f(", ")"));
}

TEST(Template, QuotedVariableIsBoundWithAWarning) {
    const auto compiled = compile("select '${topic}', ''");
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(compiled.statement->statement.pieces, ElementsAre("select ", ", ''"));
    EXPECT_THAT(compiled.problems,
                ElementsAre("warning: the quotes around `${topic}` are left out: a value is always "
                            "bound (write it without quotes)"));
}

TEST(Template, VariableGluedInsideQuotesIsAnError) {
    const std::string problem =
        "error: `${topic}` stands inside quotes together with other text (a value is bound, never "
        "pasted: join it in the statement, as in concat('a/', ${topic}))";
    for (const auto* text : {"select 'a/${topic}'",
                             "select '${topic} '",
                             "select '''${topic}'",
                             "select '${topic}'''",
                             "select '${topic}${topic}'",
                             "select E'${topic}'",
                             "select x'${topic}'",
                             "select '${topic}"}) {
        const auto compiled = compile(text);
        EXPECT_FALSE(compiled.statement) << text;
        EXPECT_THAT(compiled.problems, ElementsAre(problem)) << text;
    }
}

TEST(Template, NamesCannotBeParameters) {
    EXPECT_THAT(
        compile("select \"${topic}\"").problems,
        ElementsAre("error: `${topic}` stands inside \" quotes (only values can be parameters: "
                    "write ${topic} without quotes)"));
    EXPECT_THAT(
        compile("select * from `t_${topic}`").problems,
        ElementsAre("error: `${topic}` stands inside ` quotes (only values can be parameters: "
                    "write ${topic} without quotes)"));
}

TEST(Template, DollarQuotesHoldNoVariables) {
    EXPECT_THAT(pieces("select $$it's {}$$, $t$a$$b$t$, ${qos}"),
                ElementsAre("select $$it's {}$$, $t$a$$b$t$, ", ""));
    EXPECT_THAT(pieces("select $1, a$b$c, $${qos}"), ElementsAre("select $1, a$b$c, $", ""));
    EXPECT_THAT(pieces("$ $$"), ElementsAre("$ $$"));
    for (const auto* text : {"select $$${topic}$$", "do $a$ begin f(${topic}); end $a$"}) {
        EXPECT_THAT(
            compile(text).problems,
            ElementsAre("error: `${topic}` stands inside $ quotes (only values can be parameters: "
                        "write ${topic} without quotes)"))
            << text;
    }
}

TEST(Template, ForgottenDollarIsReported) {
    const auto compiled = compile("values({msgid}, ${topic}, {ts '2026-01-31'}, '{qos}')");
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(compiled.problems,
                ElementsAre("warning: `{msgid}` is not a variable (write ${msgid})"));
}

TEST(Template, CommentsAreLeftAlone) {
    const auto compiled = compile("select 1 -- it's ${topic}\n, ${qos} /* ${nonsense */");
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(compiled.statement->statement.pieces,
                ElementsAre("select 1 -- it's ${topic}\n, ", " /* ${nonsense */"));
    EXPECT_THAT(compiled.problems, SizeIs(2));
    EXPECT_EQ(compiled.problems[0],
              "warning: `${` inside a comment of the statement is not replaced");
}

TEST(Template, ReportsEveryProblemAtOnce) {
    const auto compiled = compile("${topik} ${payload.json} ${clientid", Hook::message_publish);
    EXPECT_FALSE(compiled.statement);
    EXPECT_THAT(compiled.problems,
                ElementsAre("error: unknown variable `${topik}` (did you mean ${topic}?)",
                            "error: `${payload.json}` does not name a member of the payload (write "
                            "${payload.json.a.b} for the member b of the member a)",
                            "error: `${` without a closing `}` (write ${name})"));
    EXPECT_THAT(compile("'${'").problems,
                ElementsAre("error: `${` without a closing `}` (write ${name})"));
    EXPECT_THAT(compile("'${nonsense_word}'").problems, SizeIs(1));
    EXPECT_THAT(compile(" \n").problems, ElementsAre("error: the statement is empty"));
    EXPECT_THAT(compile(std::string_view{"a\0b", 3}).problems,
                ElementsAre("error: the statement contains a zero character"));
}

TEST(Template, AProblemIsOneLine) {
    EXPECT_THAT(compile("${a\nb}").problems,
                ElementsAre(::testing::StartsWith("error: unknown variable `${a\\x0ab}`")));
    EXPECT_THAT(compile("'a\n${topic:-\n}'").problems,
                ElementsAre(::testing::HasSubstr("`${topic:-\\x0a}` stands inside quotes")));
}

TEST(Template, HookDecidesWhichVariablesExist) {
    EXPECT_THAT(
        compile("${payload}", Hook::client_connected).problems,
        ElementsAre("error: `${payload}` has no value on client.connected (client.connected has "
                    "clientid, username, peerhost, node, ts, timestamp, ts_ms, ts_us, ts_iso)"));
    for (const auto hook : {Hook::client_connected,
                            Hook::client_disconnected,
                            Hook::session_created,
                            Hook::session_resumed,
                            Hook::session_subscribed,
                            Hook::session_unsubscribed,
                            Hook::session_terminated,
                            Hook::message_publish,
                            Hook::message_delivered,
                            Hook::message_acked}) {
        const auto name = std::string{to_string(hook)};
        const bool message = name.starts_with("message.");
        const bool subscription = name.ends_with("subscribed");
        const auto has = [&](const char* text) {
            return compile(text, hook).statement.has_value();
        };
        EXPECT_TRUE(has(
            "${clientid}${username}${peerhost}${node}${ts}${timestamp}${ts_ms}${ts_us}${ts_iso}"));
        EXPECT_EQ(has("${topic}"), message || subscription) << name;
        EXPECT_EQ(has("${qos}"), message || name == "session.subscribed") << name;
        EXPECT_EQ(has("${msgid}${retain}${payload}${payload.text}${payload.hex}${payload.base64}"
                      "${payload.json.a}${message}"),
                  message)
            << name;
        EXPECT_EQ(has("${reason}"), name == "client.disconnected" || name == "session.terminated")
            << name;
    }
}

TEST(Template, CommandsKnowNoQuotes) {
    const auto compiled = compile(
        "HSET sub:${clientid} '${topic}' ${qos:-a b}", Hook::session_subscribed, &compile_command);
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(compiled.problems, IsEmpty());
    EXPECT_THAT(compiled.statement->statement.pieces, ElementsAre("HSET sub:", " '", "' ", ""));
    EXPECT_EQ(compiled.statement->parameters[2].fallback, "a b");
}

TEST(Template, CommandsAreChecked) {
    EXPECT_THAT(compile("SET  a", Hook::client_connected, &compile_command).problems,
                ElementsAre("warning: a space at an end, or two in a row, makes an empty argument "
                            "(separate arguments by exactly one space)"));
    EXPECT_THAT(
        compile("${clientid} a", Hook::client_connected, &compile_command).problems,
        ElementsAre("error: the name of the command contains a variable (write the command as "
                    "plain text)"));
    EXPECT_THAT(compile("SET a ${b", Hook::client_connected, &compile_command).problems,
                ElementsAre("error: `${` without a closing `}` (write ${name})"));
}

Compiled compile_fields(std::string_view document) {
    return compile(R"({"collection":"c","document":)" + std::string{document} + '}',
                   Hook::message_publish,
                   &compile_document);
}

TEST(Template, ADocumentIsSplitWhereAWholeTextIsAVariable) {
    const auto compiled = compile_fields(R"({"a": "${topic}", "b": ["${qos}", 1], "c": "$x"})");
    EXPECT_THAT(compiled.problems, IsEmpty());
    ASSERT_TRUE(compiled.statement);
    EXPECT_THAT(
        compiled.statement->statement.pieces,
        ElementsAre(R"({"collection":"c","document":{"a":)", R"(,"b":[)", R"(,1],"c":"$x"}})"));
    EXPECT_THAT(compiled.statement->parameters, SizeIs(2));
}

TEST(Template, WhatADocumentCannotHaveIsRefused) {
    for (const char* wrong : {R"({"a": "x${topic}"})",
                              R"({"a": "${topic}${topic}"})",
                              R"({"a": "${topic"})",
                              R"({"a": "${nothing}"})",
                              R"({"${topic}": 1})",
                              R"({"$set": 1})",
                              R"({"": 1})",
                              R"({"a": "\u00000"})"}) {
        const auto compiled = compile_fields(wrong);
        EXPECT_THAT(compiled.problems, SizeIs(1)) << wrong;
        EXPECT_FALSE(compiled.statement) << wrong;
    }
    for (const char* wrong : {"", "a$b", "${topic}", "system.users"})
        EXPECT_FALSE(compile(R"({"collection":")" + std::string{wrong} + R"(","document":{}})",
                             Hook::message_publish,
                             &compile_document)
                         .statement)
            << wrong;
}

}  // namespace
}  // namespace keepmq::hooks
