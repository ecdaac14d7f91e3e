#include "backends/pgsql/settings.hpp"

#include "backends/pgsql/tests/support.hpp"

namespace keepmq::pgsql::test {
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

TEST(Settings, HaveTheDefaultsOfEmqx) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf(), diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->servers, ElementsAre(store::Server{"127.0.0.1", 5432}));
    EXPECT_EQ(8U, settings->lanes);
    EXPECT_EQ("root", settings->username);
    EXPECT_EQ("mqtt", settings->database);
    EXPECT_FALSE(settings->tls.enabled);
    EXPECT_FALSE(settings->auto_create_schema);
}

TEST(Settings, AreRead) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf({{"server", "db1,[::1]:6432"},
                                                   {"pool_size", "3"},
                                                   {"readers", "4"},
                                                   {"username", "u"},
                                                   {"password", ""},
                                                   {"database", "d"},
                                                   {"ssl", "true"},
                                                   {"cacertfile", "settings_test.cpp"},
                                                   {"connect_timeout", "500ms"},
                                                   {"read_timeout", "2s"},
                                                   {"auto_create_schema", "on"}}),
                                        diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->servers,
                ElementsAre(store::Server{"db1", 5432}, store::Server{"::1", 6432}));
    EXPECT_EQ(3U, settings->lanes);
    EXPECT_EQ(4U, settings->readers);
    EXPECT_EQ("", settings->password);
    EXPECT_TRUE(settings->tls.enabled);
    EXPECT_TRUE(settings->tls.verify);
    EXPECT_EQ(milliseconds{500}, settings->connect_timeout);
    EXPECT_EQ(milliseconds{2000}, settings->read_timeout);
    EXPECT_TRUE(settings->auto_create_schema);
}

TEST(Settings, MistakesAreReportedTogether) {
    const auto found = problems({{"server", "a:x"},
                                 {"pool_size", "0"},
                                 {"username", ""},
                                 {"read_timeout", "0"},
                                 {"verify", "verify_peer"}});
    EXPECT_EQ(5U, found.size());
    EXPECT_THAT(found, Contains(HasSubstr("backend.pgsql.pool1.server")));
    EXPECT_THAT(found, Contains(HasSubstr("from 1 to 256")));
    EXPECT_THAT(found, Contains(HasSubstr("cacertfile")));
}

TEST(Settings, UnknownOneIsAWarning) {
    const auto found = problems({{"user", "root"}});
    ASSERT_EQ(1U, found.size());
    EXPECT_THAT(found.front(), HasSubstr("unknown setting"));
    EXPECT_THAT(found.front(), HasSubstr("username"));
}

}  // namespace
}  // namespace keepmq::pgsql::test
