#include "backends/cassa/settings.hpp"

#include "backends/cassa/tests/support.hpp"

namespace keepmq::cassa::test {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems(Properties properties) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf(properties), diagnostics);
    EXPECT_EQ(diagnostics.has_errors(), !settings.has_value());
    std::vector<std::string> out;
    for (const auto& diagnostic : diagnostics.all()) out.push_back(diagnostic.to_string());
    return out;
}

TEST(Settings, HaveDefaults) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf(), diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->nodes, ElementsAre(store::Server{"127.0.0.1", 9042}));
    EXPECT_EQ(8U, settings->lanes);
    EXPECT_EQ("mqtt", settings->keyspace);
    EXPECT_EQ("LOCAL_QUORUM", settings->consistency);
    EXPECT_FALSE(settings->tls.enabled);
}

TEST(Settings, AreRead) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf({{"nodes", "a,[::1]:9142"},
                                                   {"size", "3"},
                                                   {"username", "u"},
                                                   {"password", "p"},
                                                   {"keyspace", "Mqtt_1"},
                                                   {"consistency", "ONE"},
                                                   {"logger", "info"},
                                                   {"auto_reconnect", "1"},
                                                   {"read_timeout", "2s"}}),
                                        diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_TRUE(diagnostics.all().empty());
    EXPECT_THAT(settings->nodes, ElementsAre(store::Server{"a", 9042}, store::Server{"::1", 9142}));
    EXPECT_EQ(3U, settings->lanes);
    EXPECT_EQ("Mqtt_1", settings->keyspace);
    EXPECT_EQ("ONE", settings->consistency);
    EXPECT_EQ(milliseconds{2000}, settings->read_timeout);
}

TEST(Settings, MistakesAreReportedTogether) {
    const auto found = problems({{"nodes", "a:x"},
                                 {"size", "0"},
                                 {"keyspace", "a-b"},
                                 {"consistency", "SOME"},
                                 {"password", "p"},
                                 {"verify", "verify_peer"}});
    EXPECT_EQ(6U, found.size());
    EXPECT_THAT(found, Contains(HasSubstr("backend.ecql.pool1.nodes")));
    EXPECT_THAT(found, Contains(HasSubstr("LOCAL_QUORUM")));
    EXPECT_THAT(found, Contains(HasSubstr("cacertfile")));
}

}  // namespace
}  // namespace keepmq::cassa::test
