#include "backends/mysql/settings.hpp"

#include "backends/mysql/tests/support.hpp"

namespace keepmq::mysql::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Settings, HaveTheDefaultsOfEmqx) {
    const auto settings = settings_of<Settings>(pool_conf());
    EXPECT_THAT(settings.servers, ElementsAre(store::Server{"127.0.0.1", 3306}));
    EXPECT_EQ("root", settings.user);
    EXPECT_EQ("mqtt", settings.database);
    EXPECT_EQ(8U, settings.lanes);
    EXPECT_EQ(2U, settings.readers);
    EXPECT_FALSE(settings.tls.enabled);
    EXPECT_FALSE(settings.auto_create_schema);
}

TEST(Settings, AreRead) {
    const auto settings = settings_of<Settings>(pool_conf({{"server", "db1:3307,[::1],db2"},
                                                           {"pool_size", "4"},
                                                           {"readers", "3"},
                                                           {"user", "u"},
                                                           {"password", "p#=w"},
                                                           {"database", "d"},
                                                           {"ssl", "on"},
                                                           {"verify", "verify_peer"},
                                                           {"connect_timeout", "2s"},
                                                           {"read_timeout", "60s"},
                                                           {"auto_create_schema", "on"}}));
    EXPECT_THAT(
        settings.servers,
        ElementsAre(
            store::Server{"db1", 3307}, store::Server{"::1", 3306}, store::Server{"db2", 3306}));
    EXPECT_EQ(4U, settings.lanes);
    EXPECT_EQ(3U, settings.readers);
    EXPECT_EQ("u", settings.user);
    EXPECT_EQ("p#=w", settings.password);
    EXPECT_EQ("d", settings.database);
    EXPECT_TRUE(settings.tls.enabled);
    EXPECT_TRUE(settings.tls.verify);
    EXPECT_EQ(std::chrono::seconds{2}, settings.connect_timeout);
    EXPECT_EQ(std::chrono::seconds{60}, settings.read_timeout);
    EXPECT_TRUE(settings.auto_create_schema);
}

TEST(Settings, UserHasASecondName) {
    EXPECT_EQ("u", settings_of<Settings>(pool_conf({{"username", "u"}})).user);
}

TEST(Settings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(Settings, MistakesAreReportedTogether) {
    EXPECT_THAT(problems(descriptor(), pool_conf({{"database", ""}, {"connect_timeout", "100ms"}})),
                UnorderedElementsAre(
                    HasSubstr("pool.conf:1: error: backend.mysql.pool1.database: the name of the "
                              "database is empty"),
                    HasSubstr("pool.conf:2: error: backend.mysql.pool1.connect_timeout: a time-out "
                              "is at least one second")));
}

}  // namespace
}  // namespace keepmq::mysql::test
