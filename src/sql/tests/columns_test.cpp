#include "sql/columns.hpp"

#include <gtest/gtest.h>

namespace keepmq::sql {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr WallTime time_of(std::int64_t micros) {
    return WallTime{Micros{micros}};
}

TEST(Columns, TimesReadLikeTheyWereWritten) {
    EXPECT_EQ("2023-11-14 22:13:20.000001", format_time(time_of(1'700'000'000'000'001)));
    for (const std::int64_t micros : {0LL, 1LL, 951'782'399'999'999LL, 1'700'000'000'123'456LL})
        EXPECT_EQ(time_of(micros), parse_time(format_time(time_of(micros))));
}

TEST(Columns, TimesOfOtherProgramsAreUnderstood) {
    EXPECT_EQ(time_of(1'700'000'000'000'000), parse_time("2023-11-14 22:13:20"));
    EXPECT_EQ(time_of(1'700'000'000'500'000), parse_time("2023-11-14T22:13:20.5Z"));
    EXPECT_EQ(time_of(1'700'000'000'123'456), parse_time("2023-11-14 22:13:20.123456789"));
}

TEST(Columns, OtherTextIsNoTime) {
    for (const auto* text : {"",
                             "now",
                             "2023-11-14",
                             "2023-13-14 22:13:20",
                             "2023-02-30 00:00:00",
                             "2023-11-14 25:13:20",
                             "2023-11-14 22:13:20.",
                             "2023-11-14 22:13:20 CET",
                             "9999-12-31 23:59:60",
                             "-123-11-14 22:13:20"})
        EXPECT_EQ(std::nullopt, parse_time(text)) << text;
}

TEST(Columns, LowerBoundTakesInShorterSpellings) {
    EXPECT_EQ("2023-11-14 22:13:20", lower_bound_of_time(time_of(1'700'000'000'000'000)));
    EXPECT_EQ("2023-11-14 22:13:20.5", lower_bound_of_time(time_of(1'700'000'000'500'000)));
    EXPECT_EQ("2023-11-14 22:13:20.000001", lower_bound_of_time(time_of(1'700'000'000'000'001)));
    EXPECT_EQ("2023-11-14 22:13:00", lower_bound_of_time(time_of(1'699'999'980'000'000)));
}

TEST(Columns, PropertiesReadLikeTheyWereWritten) {
    MessageProperties properties;
    properties.payload_format_indicator = std::uint8_t{1};
    properties.message_expiry_interval = 4'294'967'295U;
    properties.content_type = "";
    properties.response_topic = "a/\"b\"";
    properties.user_properties = {{"k", "1"}, {"k", "2"}, {"", "\xC3\xA9"}};
    for (std::size_t size = 0; size < 7; ++size) {
        properties.correlation_data =
            std::string{
                "\0\xff\x80"
                "abc",
                6}
                .substr(0, size);
        const auto read = parse_properties(format_properties(properties));
        ASSERT_TRUE(read);
        EXPECT_EQ(properties.payload_format_indicator, read->payload_format_indicator);
        EXPECT_EQ(properties.message_expiry_interval, read->message_expiry_interval);
        EXPECT_EQ(properties.content_type, read->content_type);
        EXPECT_EQ(properties.response_topic, read->response_topic);
        EXPECT_EQ(properties.correlation_data, read->correlation_data);
        EXPECT_EQ(properties.user_properties, read->user_properties);
    }
}

TEST(Columns, StrangeJsonIsNotTrusted) {
    EXPECT_FALSE(parse_properties("nonsense"));
    EXPECT_FALSE(parse_properties("[]"));
    const auto read = parse_properties(
        R"({"content_type": 3, "message_expiry_interval": -1, "correlation_data": "*", "user_properties": [1, ["k"]]})");
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->content_type || read->message_expiry_interval || read->correlation_data);
    EXPECT_TRUE(read->user_properties.empty());
}

/// A client that gets such a packet has to disconnect [MQTT-1.5.4-2].
TEST(Columns, WhatNoPacketMayCarryIsLeftOut) {
    const std::string longest(65'535, 'x');
    const decltype(MessageProperties::user_properties) kept{{"k", "v"}};
    for (const auto& text : {std::string{R"(a\u0000)"}, longest + 'x'}) {
        const auto read =
            parse_properties(R"({"payload_format_indicator": 2, "content_type": ")" + text +
                             R"(", "response_topic": ")" + text + R"(", "user_properties": [[")" +
                             text + R"(", "v"], ["k", ")" + text + R"("], ["k", "v"]]})");
        ASSERT_TRUE(read);
        EXPECT_FALSE(read->payload_format_indicator || read->content_type || read->response_topic);
        EXPECT_EQ(read->user_properties, kept);
    }
    EXPECT_FALSE(parse_properties(R"({"response_topic": "a/+"})")->response_topic);
    EXPECT_EQ(parse_properties(R"({"content_type": ")" + longest + R"("})")->content_type, longest);
}

}  // namespace
}  // namespace keepmq::sql
