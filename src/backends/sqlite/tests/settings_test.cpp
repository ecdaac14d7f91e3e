#include "backends/sqlite/settings.hpp"

#include "backends/sqlite/tests/support.hpp"

namespace keepmq::sqlite::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems(Properties properties, const std::string& data_dir = "/data") {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf(data_dir, properties), diagnostics);
    EXPECT_EQ(diagnostics.has_errors(), !settings.has_value());
    std::vector<std::string> out;
    for (const auto& diagnostic : diagnostics.all()) out.push_back(diagnostic.to_string());
    return out;
}

TEST(Settings, HaveDefaults) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf("/data"), diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_EQ("/data/keepmq.db", settings->file);
    EXPECT_EQ(Synchronous::full, settings->synchronous);
    EXPECT_TRUE(settings->auto_create_schema);
}

TEST(Settings, AreRead) {
    Diagnostics diagnostics;
    const auto settings = read_settings(pool_conf("/data",
                                                  {{"file", "../x/y.db"},
                                                   {"pool_size", "2"},
                                                   {"synchronous", "extra"},
                                                   {"busy_timeout", "2s"},
                                                   {"cache_size", "64"},
                                                   {"checkpoint_size", "8"},
                                                   {"auto_create_schema", "off"}}),
                                        diagnostics);
    ASSERT_TRUE(settings);
    EXPECT_EQ("/x/y.db", settings->file);
    EXPECT_EQ(2U, settings->readers);
    EXPECT_EQ(Synchronous::extra, settings->synchronous);
    EXPECT_EQ(std::chrono::seconds{2}, settings->busy_timeout);
    EXPECT_EQ(64U, settings->cache_megabytes);
    EXPECT_EQ(8U, settings->checkpoint_megabytes);
    EXPECT_FALSE(settings->auto_create_schema);
    EXPECT_TRUE(diagnostics.all().empty());
}

TEST(Settings, AbsoluteFileStandsAlone) {
    Diagnostics diagnostics;
    EXPECT_EQ("/srv/a.db",
              read_settings(pool_conf("/data", {{"file", "/srv/a.db"}}), diagnostics)->file);
}

TEST(Settings, EachMistakeIsNamedWithItsLine) {
    EXPECT_THAT(problems({{"pool_size", "0"},
                          {"synchronous", "FULL"},
                          {"busy_timeout", "5 min"},
                          {"cache_size", "64MB"},
                          {"checkpoint_size", "-1"},
                          {"auto_create_schema", "maybe"}}),
                testing::UnorderedElementsAre(
                    HasSubstr("emqx_backend_sqlite.conf:1: error: backend.sqlite.pool1.pool_size: "
                              "`0` is not a whole number"),
                    HasSubstr(":2: error: backend.sqlite.pool1.synchronous: `FULL` is not one of "
                              "off, normal, full, extra"),
                    HasSubstr(":3: error: backend.sqlite.pool1.busy_timeout: `5 min` is not a "
                              "duration (write 5s or 500ms)"),
                    HasSubstr(":4: error: backend.sqlite.pool1.cache_size"),
                    HasSubstr(":5: error: backend.sqlite.pool1.checkpoint_size"),
                    HasSubstr(":6: error: backend.sqlite.pool1.auto_create_schema: `maybe` is "
                              "neither on nor off")));
}

TEST(Settings, FileMustBeAFile) {
    EXPECT_THAT(problems({{"file", ""}}), ElementsAre(HasSubstr("empty")));
    EXPECT_THAT(problems({{"file", ":memory:"}}), ElementsAre(HasSubstr("keeps nothing")));
    EXPECT_THAT(problems({{"file", "/tmp"}}), ElementsAre(HasSubstr("`/tmp` is a directory")));
}

TEST(Settings, UnknownOnesAreWarnedOf) {
    EXPECT_THAT(problems({{"server", "127.0.0.1"}}),
                ElementsAre(HasSubstr("warning: backend.sqlite.pool1.server: unknown setting, it "
                                      "is ignored (known are file,")));
}

TEST(Settings, DurabilityIsSaidInWords) {
    EXPECT_THAT(make_backend("/data")->durability(),
                HasSubstr("synchronous=full: every commit is flushed"));
    EXPECT_THAT(make_backend("/data", {{"synchronous", "normal"}})->durability(),
                HasSubstr("power failure"));
}

}  // namespace
}  // namespace keepmq::sqlite::test
