#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hooks/subject.hpp"
#include "hooks/tests/events.hpp"

namespace keepmq::hooks {
namespace {

using store::Bytes;
using store::Value;

Value value_of(const std::string& variable, const Event& event) {
    Diagnostics diagnostics;
    const auto compiled = compile_sql("${" + variable + "}", hook_of(event), {}, "", diagnostics);
    if (!compiled) {
        ADD_FAILURE() << variable;
        return {};
    }
    return evaluate(compiled->parameters.at(0), event, "keepmq@host");
}

const Value null{};

Event published(const std::string& payload) {
    auto message = some_message();
    message->payload = payload;
    return MessagePublish{message};
}

Value from_payload(const std::string& variable, const std::string& payload) {
    return value_of(variable, published(payload));
}

TEST(Evaluate, MessageVariables) {
    const Event event = published("21.5");
    EXPECT_EQ(value_of("clientid", event), Value{"publisher"});
    EXPECT_EQ(value_of("username", event), Value{"ada"});
    EXPECT_EQ(value_of("peerhost", event), Value{"10.0.0.9"});
    EXPECT_EQ(value_of("node", event), Value{"keepmq@host"});
    EXPECT_EQ(value_of("topic", event), Value{"a/b"});
    EXPECT_EQ(value_of("qos", event), Value{std::int64_t{1}});
    EXPECT_EQ(value_of("retain", event), Value{std::int64_t{0}});
    EXPECT_EQ(value_of("msgid", event), Value{some_message()->id.to_string()});
    EXPECT_EQ(value_of("payload", event), Value{Bytes{"21.5"}});
    EXPECT_EQ(value_of("payload.text", event), Value{"21.5"});
    EXPECT_EQ(value_of("payload.hex", event), Value{"32312e35"});
    EXPECT_EQ(value_of("payload.base64", event), Value{"MjEuNQ=="});
}

TEST(Evaluate, TimeIsThatOfTheEvent) {
    const Event event = published("");
    EXPECT_EQ(value_of("ts", event), Value{std::int64_t{1'769'860'800}});
    EXPECT_EQ(value_of("ts_ms", event), Value{std::int64_t{1'769'860'800'123}});
    EXPECT_EQ(value_of("timestamp", event), value_of("ts_ms", event));
    EXPECT_EQ(value_of("ts_us", event), Value{std::int64_t{1'769'860'800'123'456}});
    EXPECT_EQ(value_of("ts_iso", event), Value{"2026-01-31T12:00:00.123456Z"});
}

TEST(Evaluate, ReceiverIsTheClientOfADelivery) {
    const Event event = MessageAcked{some_client(), at_noon, some_message(), Qos::exactly_once};
    EXPECT_EQ(value_of("clientid", event), Value{"c1"});
    EXPECT_EQ(value_of("qos", event), Value{std::int64_t{2}});
    EXPECT_EQ(value_of("payload", event), Value{Bytes{"hello"}});
}

TEST(Evaluate, AbsentValuesAreNull) {
    ClientInfo anonymous{ClientId{"c1"}, "", ""};
    const Event event = ClientDisconnected{anonymous, at_noon, at_noon, ""};
    EXPECT_EQ(value_of("username", event), null);
    EXPECT_EQ(value_of("peerhost", event), null);
    EXPECT_EQ(value_of("reason", event), null);
    EXPECT_EQ(value_of("username:-nobody", event), Value{"nobody"});
    EXPECT_EQ(value_of("username:-", event), Value{""});
    EXPECT_EQ(value_of("clientid:-nobody", event), Value{"c1"});
}

TEST(Evaluate, MessagesOfTheBrokerItselfHaveNoSender) {
    auto message = some_message();
    message->sender = ClientId{};
    EXPECT_EQ(value_of("clientid", MessagePublish{message}), null);
    EXPECT_EQ(value_of("clientid:-broker", MessagePublish{message}), Value{"broker"});
}

TEST(Evaluate, SessionEvents) {
    const Event subscribed =
        SessionSubscribed{some_client(), at_noon, TopicFilter{"a/+"}, false, Qos::at_least_once};
    EXPECT_EQ(value_of("topic", subscribed), Value{"a/+"});
    EXPECT_EQ(value_of("qos", subscribed), Value{std::int64_t{1}});
    const Event gone = SessionTerminated{some_client(), at_noon, "expired"};
    EXPECT_EQ(value_of("reason", gone), Value{"expired"});
}

TEST(Evaluate, PayloadTextIsOnlyText) {
    EXPECT_EQ(from_payload("payload.text", "\xff"), null);
    EXPECT_EQ(from_payload("payload.text", std::string("a\0b", 3)), null);
    EXPECT_EQ(from_payload("payload.text", "\xe2\x82\xac"), Value{"\xe2\x82\xac"});
    EXPECT_EQ(from_payload("payload.text", ""), Value{""});
}

TEST(Evaluate, PayloadMembers) {
    const std::string json = R"({"a": {"b": 21.5, "n": null, "t": true, "s": "x'y", "big": )"
                             R"(18446744073709551615}, "list": [1, {"c": -7}], "": 1})";
    EXPECT_EQ(from_payload("payload.json.a.b", json), Value{21.5});
    EXPECT_EQ(from_payload("payload.json.a.n", json), null);
    EXPECT_EQ(from_payload("payload.json.a.n:-0", json), Value{"0"});
    EXPECT_EQ(from_payload("payload.json.a.t", json), Value{std::int64_t{1}});
    EXPECT_EQ(from_payload("payload.json.a.s", json), Value{"x'y"});
    EXPECT_EQ(from_payload("payload.json.a.big", json), Value{"18446744073709551615"});
    EXPECT_EQ(from_payload("payload.json.list.0", json), Value{std::int64_t{1}});
    EXPECT_EQ(from_payload("payload.json.list.1.c", json), Value{std::int64_t{-7}});
    EXPECT_EQ(from_payload("payload.json.list.1", json), Value{R"({"c":-7})"});
    EXPECT_EQ(from_payload("payload.json.list.2", json), null);
    EXPECT_EQ(from_payload("payload.json.list.x", json), null);
    EXPECT_EQ(from_payload("payload.json.none.b", json), null);
    EXPECT_EQ(from_payload("payload.json.a.b.c", json), null);
    for (const std::string bad : {"", "{", "not json", "\xff\xfe", "{} {}"})
        EXPECT_EQ(from_payload("payload.json.a", bad), null) << bad;
    EXPECT_EQ(from_payload("payload.json.a", std::string(100'000, '[')), null);
}

TEST(Evaluate, MessageAsJson) {
    auto message = some_message();
    message->payload = "{\"cmd\": \"reboot\"}";
    EXPECT_EQ(message_json(*message),
              R"({"id":")" + message->id.to_string() +
                  R"(","from":"publisher","qos":1,"topic":"a/b","retain":false,)"
                  R"("payload":"{\"cmd\": \"reboot\"}","ts":1769860800})");
    message->payload = std::string("\0\xff", 2);
    EXPECT_THAT(message_json(*message), ::testing::HasSubstr(R"("payload":"AP8=")"));
    EXPECT_THAT(message_json(*message), ::testing::HasSubstr(R"("encoding":"base64")"));
}

TEST(Evaluate, Base64HasPadding) {
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foo"), "Zm9v");
    EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
}

}  // namespace
}  // namespace keepmq::hooks
