#include "backends/pgsql/settings.hpp"

#include "backends/pgsql/tests/support.hpp"

namespace keepmq::pgsql::test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Settings, HaveTheDefaultsOfEmqx) {
    const auto settings = settings_of<Settings>(pool_conf());
    EXPECT_THAT(settings.servers, ElementsAre(store::Server{"127.0.0.1", 5432}));
    EXPECT_EQ(8U, settings.lanes);
    EXPECT_EQ("root", settings.username);
    EXPECT_EQ("mqtt", settings.database);
    EXPECT_FALSE(settings.tls.enabled);
    EXPECT_FALSE(settings.auto_create_schema);
}

TEST(Settings, AreRead) {
    const auto settings = settings_of<Settings>(pool_conf({{"server", "db1,[::1]:6432"},
                                                           {"pool_size", "3"},
                                                           {"readers", "4"},
                                                           {"username", "u"},
                                                           {"password", ""},
                                                           {"database", "d"},
                                                           {"ssl", "true"},
                                                           {"cacertfile", "settings_test.cpp"},
                                                           {"connect_timeout", "500ms"},
                                                           {"read_timeout", "2s"},
                                                           {"auto_create_schema", "on"}}));
    EXPECT_THAT(settings.servers,
                ElementsAre(store::Server{"db1", 5432}, store::Server{"::1", 6432}));
    EXPECT_EQ(3U, settings.lanes);
    EXPECT_EQ(4U, settings.readers);
    EXPECT_EQ("", settings.password);
    EXPECT_TRUE(settings.tls.enabled);
    EXPECT_TRUE(settings.tls.verify);
    EXPECT_EQ(milliseconds{500}, settings.connect_timeout);
    EXPECT_EQ(milliseconds{2000}, settings.read_timeout);
    EXPECT_TRUE(settings.auto_create_schema);
}

TEST(Settings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(Settings, MistakesAreReportedTogether) {
    EXPECT_THAT(problems(descriptor(),
                         pool_conf({{"pool_size", "257"},
                                    {"username", ""},
                                    {"database", ""},
                                    {"verify", "verify_peer"}})),
                UnorderedElementsAre(HasSubstr("from 1 to 256"),
                                     HasSubstr("backend.pgsql.pool1.username: it is empty"),
                                     HasSubstr("backend.pgsql.pool1.database: it is empty"),
                                     HasSubstr("cacertfile")));
}

}  // namespace
}  // namespace keepmq::pgsql::test
