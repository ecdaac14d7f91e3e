#include "backends/mysql/settings.hpp"

#include "backends/mysql/tests/support.hpp"

namespace keepmq::mysql::test {
namespace {

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
    EXPECT_THAT(settings->servers, ElementsAre(store::Server{"127.0.0.1", 3306}));
    EXPECT_EQ("root", settings->user);
    EXPECT_EQ("mqtt", settings->database);
    EXPECT_EQ(8U, settings->lanes);
    EXPECT_EQ(2U, settings->readers);
    EXPECT_FALSE(settings->tls.enabled);
    EXPECT_FALSE(settings->auto_create_schema);
}

TEST(Settings, AreRead) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf({{"server", "db1:3307,[::1],db2"},
                                                   {"pool_size", "4"},
                                                   {"readers", "3"},
                                                   {"user", "u"},
                                                   {"password", "p#=w"},
                                                   {"database", "d"},
                                                   {"ssl", "on"},
                                                   {"verify", "verify_peer"},
                                                   {"connect_timeout", "2s"},
                                                   {"read_timeout", "60s"},
                                                   {"auto_create_schema", "on"}}),
                                        diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_THAT(
        settings->servers,
        ElementsAre(
            store::Server{"db1", 3307}, store::Server{"::1", 3306}, store::Server{"db2", 3306}));
    EXPECT_EQ(4U, settings->lanes);
    EXPECT_EQ(3U, settings->readers);
    EXPECT_EQ("u", settings->user);
    EXPECT_EQ("p#=w", settings->password);
    EXPECT_EQ("d", settings->database);
    EXPECT_TRUE(settings->tls.enabled);
    EXPECT_TRUE(settings->tls.verify);
    EXPECT_EQ(std::chrono::seconds{2}, settings->connect_timeout);
    EXPECT_EQ(std::chrono::seconds{60}, settings->read_timeout);
    EXPECT_TRUE(settings->auto_create_schema);
    EXPECT_TRUE(diagnostics.all().empty());
}

TEST(Settings, UserHasASecondName) {
    Diagnostics diagnostics;
    EXPECT_EQ("u", read_settings(pool_conf({{"username", "u"}}), diagnostics)->user);
}

TEST(Settings, EachMistakeIsNamedWithItsLine) {
    EXPECT_THAT(
        problems({{"server", "db:0"},
                  {"pool_size", "0"},
                  {"readers", "many"},
                  {"database", ""},
                  {"ssl", "yes"},
                  {"cacertfile", "no-such-file.pem"},
                  {"connect_timeout", "100ms"},
                  {"read_timeout", "1 min"},
                  {"auto_create_schema", "maybe"}}),
        testing::UnorderedElementsAre(
            HasSubstr("emqx_backend_mysql.conf:1: error: backend.mysql.pool1.server: `db:0` "
                      "is not a list of servers"),
            HasSubstr(":2: error: backend.mysql.pool1.pool_size: `0` is not a whole number"),
            HasSubstr(":3: error: backend.mysql.pool1.readers"),
            HasSubstr(":4: error: backend.mysql.pool1.database: the name of the database is "
                      "empty"),
            HasSubstr(":5: error: backend.mysql.pool1.ssl: `yes` is neither on nor off"),
            HasSubstr(":6: error: backend.mysql.pool1.cacertfile"),
            HasSubstr(":7: error: backend.mysql.pool1.connect_timeout: a time-out is at "
                      "least one second"),
            HasSubstr(":8: error: backend.mysql.pool1.read_timeout: `1 min` is not a "
                      "duration"),
            HasSubstr(":9: error: backend.mysql.pool1.auto_create_schema")));
}

TEST(Settings, UnknownOnesAreWarnedOf) {
    EXPECT_THAT(problems({{"file", "x.db"}}),
                ElementsAre(HasSubstr("warning: backend.mysql.pool1.file: unknown setting")));
}

}  // namespace
}  // namespace keepmq::mysql::test
