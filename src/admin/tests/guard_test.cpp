#include "admin/guard.hpp"

#include <gtest/gtest.h>

namespace keepmq::admin {
namespace {

unsigned status(const std::optional<Reply>& reply) {
    return reply ? reply->status : 200;
}

TEST(LiteralHost, CannotBeRedirectedByDns) {
    for (const auto* host : {"127.0.0.1",
                             "127.0.0.1:18083",
                             "[::1]",
                             "[::1]:18083",
                             "localhost",
                             "LOCALHOST:1",
                             "10.1.2.3:80"})
        EXPECT_TRUE(is_literal_host(host)) << host;
    for (const auto* host : {"",
                             "evil.example",
                             "evil.example:18083",
                             "127.0.0.1.evil.example",
                             "localhost.evil",
                             "127.0.0.1:80@evil",
                             "[::1",
                             "[::1]x",
                             ":80"})
        EXPECT_FALSE(is_literal_host(host)) << host;
}

TEST(Guard, WithoutLoginANameAsHostIsRefused) {
    const Guard guard{"", ""};
    EXPECT_EQ(status(guard.refuse({.target = "/metrics", .host = "127.0.0.1:18083"})), 200U);
    EXPECT_EQ(status(guard.refuse({.target = "/metrics", .host = "evil.example:18083"})), 403U);
    EXPECT_EQ(status(guard.refuse({.target = "/status", .host = "evil.example:18083"})), 200U);
}

TEST(Guard, PagesOfAnotherOriginChangeNothing) {
    const Guard guard{"", ""};
    Credentials given{
        .reads_only = false, .target = "/api/v4/clients/x", .host = "127.0.0.1:18083"};
    EXPECT_EQ(status(guard.refuse(given)), 200U);
    given.origin = "http://127.0.0.1:18083";
    EXPECT_EQ(status(guard.refuse(given)), 200U);
    for (const auto* origin : {"http://evil.example",
                               "null",
                               "http://127.0.0.1",
                               "http://127.0.0.1:18084",
                               "127.0.0.1:18083"}) {
        given.origin = origin;
        EXPECT_EQ(status(guard.refuse(given)), 403U) << origin;
    }
    given.origin = {};
    for (const auto* site : {"cross-site", "same-site"}) {
        given.fetch_site = site;
        EXPECT_EQ(status(guard.refuse(given)), 403U) << site;
    }
    given.fetch_site = "same-origin";
    EXPECT_EQ(status(guard.refuse(given)), 200U);
}

TEST(Guard, ChecksTheLogin) {
    const Guard guard{"admin", "s3cret:x"};
    Credentials given{.target = "/metrics", .host = "mqtt.example"};
    EXPECT_EQ(status(guard.refuse(given)), 401U);
    given.authorization = "Basic YWRtaW46czNjcmV0Ong=";
    EXPECT_EQ(status(guard.refuse(given)), 200U);
    given.authorization = "basic  YWRtaW46czNjcmV0Ong=";
    EXPECT_EQ(status(guard.refuse(given)), 200U);
    for (const auto* wrong : {"Basic ",
                              "Basic",
                              "Basic YWRtaW46",
                              "Bearer YWRtaW46czNjcmV0Ong=",
                              "YWRtaW46czNjcmV0Ong="}) {
        given.authorization = wrong;
        EXPECT_EQ(status(guard.refuse(given)), 401U) << wrong;
    }
}

TEST(Guard, LoginDoesNotExcuseAForeignPage) {
    const Guard guard{"admin", "s3cret:x"};
    EXPECT_EQ(status(guard.refuse({.reads_only = false,
                                   .target = "/api/v4/clients/x",
                                   .host = "mqtt.example",
                                   .origin = "http://evil.example",
                                   .fetch_site = "",
                                   .authorization = "Basic YWRtaW46czNjcmV0Ong="})),
              403U);
}

}  // namespace
}  // namespace keepmq::admin
