#include "backends/cassa/settings.hpp"

#include "backends/cassa/tests/support.hpp"

namespace keepmq::cassa::test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Settings, HaveDefaults) {
    const auto settings = settings_of<Settings>(pool_conf());
    EXPECT_THAT(settings.nodes, ElementsAre(store::Server{"127.0.0.1", 9042}));
    EXPECT_EQ(8U, settings.lanes);
    EXPECT_EQ("mqtt", settings.keyspace);
    EXPECT_EQ("LOCAL_QUORUM", settings.consistency);
    EXPECT_FALSE(settings.tls.enabled);
}

TEST(Settings, AreRead) {
    const auto settings = settings_of<Settings>(pool_conf({{"nodes", "a,[::1]:9142"},
                                                           {"size", "3"},
                                                           {"username", "u"},
                                                           {"password", "p"},
                                                           {"keyspace", "Mqtt_1"},
                                                           {"consistency", "ONE"},
                                                           {"logger", "info"},
                                                           {"auto_reconnect", "1"},
                                                           {"read_timeout", "2s"}}));
    EXPECT_THAT(settings.nodes, ElementsAre(store::Server{"a", 9042}, store::Server{"::1", 9142}));
    EXPECT_EQ(3U, settings.lanes);
    EXPECT_EQ("Mqtt_1", settings.keyspace);
    EXPECT_EQ("ONE", settings.consistency);
    EXPECT_EQ(milliseconds{2000}, settings.read_timeout);
}

TEST(Settings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(Settings, MistakesAreReportedTogether) {
    EXPECT_THAT(problems(descriptor(),
                         pool_conf({{"keyspace", "a-b"},
                                    {"consistency", "SOME"},
                                    {"password", "p"},
                                    {"verify", "verify_peer"}})),
                UnorderedElementsAre(HasSubstr("backend.ecql.pool1.keyspace"),
                                     HasSubstr("LOCAL_QUORUM"),
                                     HasSubstr("a password without a user"),
                                     HasSubstr("cacertfile")));
}

}  // namespace
}  // namespace keepmq::cassa::test
