#include "backends/redis/settings.hpp"

#include "backends/redis/tests/support.hpp"

namespace keepmq::redis::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Read {
    std::optional<Settings> settings;
    std::vector<std::string> said;
};

Read read(Properties properties) {
    Diagnostics diagnostics;
    Read result;
    result.settings = read_settings(pool_conf(properties), diagnostics);
    for (const auto& each : diagnostics.all()) result.said.push_back(each.to_string());
    return result;
}

TEST(RedisSettings, Defaults) {
    const auto [settings, said] = read({});
    ASSERT_TRUE(settings);
    EXPECT_THAT(said, IsEmpty());
    EXPECT_EQ(Topology::single, settings->topology);
    EXPECT_THAT(settings->servers, ElementsAre(store::Server{"127.0.0.1", 6379}));
    EXPECT_EQ(8U, settings->pool_size);
    EXPECT_EQ(0U, settings->database);
    EXPECT_EQ("", settings->channel);
    EXPECT_FALSE(settings->wait_replicas);
}

TEST(RedisSettings, All) {
    const auto [settings, said] = read({{"type", "sentinel"},
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
    ASSERT_TRUE(settings) << testing::PrintToString(said);
    EXPECT_THAT(said, IsEmpty());
    EXPECT_EQ(Topology::sentinel, settings->topology);
    EXPECT_THAT(settings->servers,
                ElementsAre(store::Server{"s1", 26379}, store::Server{"::1", 26380}));
    EXPECT_EQ("mymaster", settings->master);
    EXPECT_EQ(3U, settings->pool_size);
    EXPECT_EQ(5U, settings->database);
    EXPECT_EQ("u", settings->username);
    EXPECT_EQ("p", settings->password);
    EXPECT_EQ("mqtt_channel", settings->channel);
    EXPECT_TRUE(settings->tls.enabled);
    EXPECT_FALSE(settings->tls.verify);
    EXPECT_EQ(std::chrono::seconds{1}, settings->connect_timeout);
    EXPECT_EQ(std::chrono::milliseconds{250}, settings->read_timeout);
    EXPECT_EQ(2U, settings->wait_replicas);
}

TEST(RedisSettings, ANameForTheMasterAsksForSentinelsUnlessTheTypeSaysOtherwise) {
    EXPECT_EQ(Topology::sentinel, read({{"sentinel", "mymaster"}}).settings->topology);
    EXPECT_EQ(Topology::single,
              read({{"sentinel", "mymaster"}, {"type", "single"}}).settings->topology);
}

TEST(RedisSettings, SaysEveryMistake) {
    const auto [settings, said] = read({{"type", "cluster"},
                                        {"server", "host:0"},
                                        {"pool_size", "0"},
                                        {"database", "1"},
                                        {"username", "u"},
                                        {"connect_timeout", "soon"},
                                        {"read_timeout", "0"},
                                        {"wait_replicas", "-1"},
                                        {"auto_create_schema", "on"}});
    EXPECT_FALSE(settings);
    EXPECT_THAT(said,
                testing::UnorderedElementsAre(
                    AllOf(HasSubstr("pool1.server"), HasSubstr("not a list of servers")),
                    HasSubstr("pool1.pool_size"),
                    AllOf(HasSubstr("pool1.database"), HasSubstr("a cluster has database 0 only")),
                    AllOf(HasSubstr("pool1.username"), HasSubstr("a user without a password")),
                    HasSubstr("pool1.connect_timeout"),
                    AllOf(HasSubstr("pool1.read_timeout"), HasSubstr("zero")),
                    HasSubstr("pool1.wait_replicas"),
                    AllOf(HasSubstr("auto_create_schema"), HasSubstr("unknown setting"))));
}

TEST(RedisSettings, SentinelsNeedTheNameOfTheMaster) {
    const auto [settings, said] = read({{"type", "sentinel"}});
    EXPECT_FALSE(settings);
    EXPECT_THAT(said, ElementsAre(HasSubstr("the name of the master is missing")));
}

TEST(RedisSettings, AnUnknownTypeIsRefused) {
    const auto [settings, said] = read({{"type", "ring"}});
    EXPECT_FALSE(settings);
    EXPECT_THAT(said, ElementsAre(HasSubstr("single, sentinel, cluster")));
}

}  // namespace
}  // namespace keepmq::redis::test
