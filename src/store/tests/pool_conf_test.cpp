#include "store/pool_conf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

namespace keepmq::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PoolConf conf_of(const std::map<std::string, std::string>& properties) {
    PoolConf conf{"redis", "pool1", {}, "/data", testing::TempDir()};
    int line = 0;
    for (const auto& [property, value] : properties)
        conf.entries[property] = {value, {"a.conf", ++line}};
    return conf;
}

std::vector<std::string> texts(const Diagnostics& diagnostics) {
    std::vector<std::string> out;
    for (const auto& each : diagnostics.all()) out.push_back(each.to_string());
    return out;
}

TEST(PoolConf, ServersHavePortsOrGetTheDefaultOne) {
    EXPECT_THAT(*parse_servers("fe80::1%eth0,my_db-1.example", 7),
                ElementsAre(Server{"fe80::1%eth0", 7}, Server{"my_db-1.example", 7}));
    EXPECT_THAT(*parse_servers("a:1, b ,[::1]:3,::1,10.0.0.1:65535", 7),
                ElementsAre(Server{"a", 1},
                            Server{"b", 7},
                            Server{"::1", 3},
                            Server{"::1", 7},
                            Server{"10.0.0.1", 65535}));
    EXPECT_EQ("[::1]:3", to_string(Server{"::1", 3}));
    EXPECT_EQ("a:1", to_string(Server{"a", 1}));
}

TEST(PoolConf, WhatIsNoListOfServersIsRefused) {
    for (const auto* text : {"",
                             "a,",
                             ":1",
                             "a:",
                             "a:0",
                             "a:65536",
                             "a:1x",
                             "[::1",
                             "[::1]x",
                             "redis://a:1",
                             "mysql://u:p@a/db",
                             "u@a",
                             "a b",
                             "[]:1",
                             "http://a",
                             "::1]"})
        EXPECT_FALSE(parse_servers(text, 7)) << text;
}

TEST(PoolConf, EachMistakeIsNamedWithKeyAndPlace) {
    const auto conf = conf_of({{"a_number", "9"},
                               {"b_time", "soon"},
                               {"c_flag", "perhaps"},
                               {"d_word", "three"},
                               {"server", "host:port"}});
    Diagnostics diagnostics;
    PoolConfReader read{conf, diagnostics};
    constexpr std::array<std::string_view, 2> words{"one", "two"};
    std::size_t number = 3;
    std::size_t word = 1;
    std::chrono::milliseconds time{5};
    bool flag = true;
    std::vector<Server> servers{{"x", 1}};
    read.number("a_number", 1, 8, number);
    read.duration("b_time", time);
    read.flag("c_flag", flag);
    read.choice("d_word", words, word);
    read.servers("server", 6379, servers);
    EXPECT_FALSE(read.ok());
    EXPECT_THAT(
        texts(diagnostics),
        ElementsAre(HasSubstr("a.conf:1: error: backend.redis.pool1.a_number: `9` is not a whole "
                              "number from 1 to 8"),
                    HasSubstr("a.conf:2: error: backend.redis.pool1.b_time: `soon`"),
                    HasSubstr("a.conf:3: error: backend.redis.pool1.c_flag: `perhaps`"),
                    HasSubstr("`three` is not one of one, two"),
                    HasSubstr("(write host:6379 or host1:6379,[::1]:6379)")));
    EXPECT_EQ(3U, number);
    EXPECT_EQ(1U, word);
    EXPECT_TRUE(flag);
    EXPECT_EQ(std::chrono::milliseconds{5}, time);
    EXPECT_THAT(servers, ElementsAre(Server{"x", 1}));
}

TEST(PoolConf, AbsentPropertiesLeaveTheDefaults) {
    Diagnostics diagnostics;
    const auto conf = conf_of({});
    PoolConfReader read{conf, diagnostics};
    std::size_t number = 3;
    std::string text = "x";
    Tls tls;
    read.number("pool_size", 1, 8, number);
    read.text("username", text);
    read.tls(tls);
    EXPECT_TRUE(read.ok());
    EXPECT_EQ(3U, number);
    EXPECT_EQ("x", text);
    EXPECT_FALSE(tls.enabled);
    EXPECT_FALSE(tls.verify);
}

TEST(PoolConf, CertificatesAreFoundBesideTheFileAndMeanVerification) {
    std::ofstream{testing::TempDir() + "/ca.pem"} << "x";
    Diagnostics diagnostics;
    const auto conf = conf_of({{"ssl", "on"}, {"cacertfile", "ca.pem"}});
    PoolConfReader read{conf, diagnostics};
    Tls tls;
    read.tls(tls);
    EXPECT_TRUE(read.ok());
    EXPECT_TRUE(tls.enabled);
    EXPECT_TRUE(tls.verify);
    EXPECT_TRUE(tls.ca_file.ends_with("/ca.pem"));

    const auto wrong = conf_of({{"ssl", "on"}, {"cacertfile", "not-there.pem"}});
    PoolConfReader refuses{wrong, diagnostics};
    refuses.tls(tls);
    EXPECT_FALSE(refuses.ok());
    EXPECT_THAT(texts(diagnostics), ElementsAre(HasSubstr("not-there.pem` cannot be read")));
}

}  // namespace
}  // namespace keepmq::store
