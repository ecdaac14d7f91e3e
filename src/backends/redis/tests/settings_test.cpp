#include "backends/redis/settings.hpp"

#include "backends/redis/tests/support.hpp"

namespace keepmq::redis::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Settings read(Properties properties) {
    return settings_of<Settings>(pool_conf(descriptor(), properties));
}

std::vector<std::string> problems(Properties properties) {
    return store::testing::problems(descriptor(), pool_conf(descriptor(), properties));
}

TEST(RedisSettings, Defaults) {
    const auto settings = read({});
    EXPECT_EQ(Topology::single, settings.topology);
    EXPECT_THAT(settings.servers, ElementsAre(store::Server{"127.0.0.1", 6379}));
    EXPECT_EQ(8U, settings.pool_size);
    EXPECT_EQ(0U, settings.database);
    EXPECT_EQ("", settings.channel);
    EXPECT_FALSE(settings.wait_replicas);
}

TEST(RedisSettings, All) {
    const auto settings = read({{"type", "sentinel"},
                                {"server", "s1,[::1]:26380"},
                                {"sentinel", "mymaster"},
                                {"pool_size", "3"},
                                {"database", "5"},
                                {"username", "u"},
                                {"password", "p"},
                                {"channel", "mqtt_channel"},
                                {"ssl", "on"},
                                {"verify", "verify_none"},
                                {"connect_timeout", "1s"},
                                {"read_timeout", "250ms"},
                                {"wait_replicas", "2"}});
    EXPECT_EQ(Topology::sentinel, settings.topology);
    EXPECT_THAT(settings.servers,
                ElementsAre(store::Server{"s1", 26379}, store::Server{"::1", 26380}));
    EXPECT_EQ("mymaster", settings.master);
    EXPECT_EQ(3U, settings.pool_size);
    EXPECT_EQ(5U, settings.database);
    EXPECT_EQ("u", settings.username);
    EXPECT_EQ("p", settings.password);
    EXPECT_EQ("mqtt_channel", settings.channel);
    EXPECT_TRUE(settings.tls.enabled);
    EXPECT_FALSE(settings.tls.verify);
    EXPECT_EQ(std::chrono::seconds{1}, settings.connect_timeout);
    EXPECT_EQ(std::chrono::milliseconds{250}, settings.read_timeout);
    EXPECT_EQ(2U, settings.wait_replicas);
}

TEST(RedisSettings, ANameForTheMasterAsksForSentinelsUnlessTheTypeSaysOtherwise) {
    EXPECT_EQ(Topology::sentinel, read({{"sentinel", "mymaster"}}).topology);
    EXPECT_EQ(Topology::single, read({{"sentinel", "mymaster"}, {"type", "single"}}).topology);
}

TEST(RedisSettings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(RedisSettings, MistakesAreReportedTogether) {
    EXPECT_THAT(problems({{"type", "cluster"},
                          {"database", "1"},
                          {"username", "u"},
                          {"read_timeout", "0"},
                          {"wait_replicas", "-1"}}),
                UnorderedElementsAre(
                    AllOf(HasSubstr("pool1.database"), HasSubstr("a cluster has database 0 only")),
                    AllOf(HasSubstr("pool1.username"), HasSubstr("a user without a password")),
                    AllOf(HasSubstr("pool1.read_timeout"), HasSubstr("zero")),
                    HasSubstr("pool1.wait_replicas")));
}

TEST(RedisSettings, SentinelsNeedTheNameOfTheMaster) {
    EXPECT_THAT(problems({{"type", "sentinel"}}),
                ElementsAre(HasSubstr("the name of the master is missing")));
}

TEST(RedisSettings, AnUnknownTypeIsRefused) {
    EXPECT_THAT(problems({{"type", "ring"}}), ElementsAre(HasSubstr("single, sentinel, cluster")));
}

}  // namespace
}  // namespace keepmq::redis::test
