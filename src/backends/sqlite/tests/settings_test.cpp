#include "backends/sqlite/settings.hpp"

#include "backends/sqlite/tests/support.hpp"

namespace keepmq::sqlite::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Settings read(Properties properties) {
    return settings_of<Settings>(pool_conf(descriptor(), properties));
}

std::vector<std::string> problems(Properties properties) {
    return store::testing::problems(descriptor(), pool_conf(descriptor(), properties));
}

TEST(Settings, HaveDefaults) {
    const auto settings = read({});
    EXPECT_EQ("/data/keepmq.db", settings.file);
    EXPECT_EQ(Synchronous::full, settings.synchronous);
    EXPECT_TRUE(settings.auto_create_schema);
}

TEST(Settings, AreRead) {
    const auto settings = read({{"file", "../x/y.db"},
                                {"pool_size", "2"},
                                {"synchronous", "extra"},
                                {"busy_timeout", "2s"},
                                {"cache_size", "64"},
                                {"checkpoint_size", "8"},
                                {"auto_create_schema", "off"}});
    EXPECT_EQ("/x/y.db", settings.file);
    EXPECT_EQ(2U, settings.readers);
    EXPECT_EQ(Synchronous::extra, settings.synchronous);
    EXPECT_EQ(std::chrono::seconds{2}, settings.busy_timeout);
    EXPECT_EQ(64U, settings.cache_megabytes);
    EXPECT_EQ(8U, settings.checkpoint_megabytes);
    EXPECT_FALSE(settings.auto_create_schema);
}

TEST(Settings, AbsoluteFileStandsAlone) {
    EXPECT_EQ("/srv/a.db", read({{"file", "/srv/a.db"}}).file);
}

TEST(Settings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(Settings, MistakesAreReportedTogether) {
    EXPECT_THAT(problems({{"synchronous", "FULL"},
                          {"busy_timeout", "5 min"},
                          {"cache_size", "64MB"},
                          {"checkpoint_size", "-1"}}),
                testing::UnorderedElementsAre(
                    HasSubstr("backend.sqlite.pool1.synchronous: `FULL` is not one of off, normal, "
                              "full, extra"),
                    HasSubstr("backend.sqlite.pool1.busy_timeout: `5 min` is not a duration"),
                    HasSubstr("backend.sqlite.pool1.cache_size"),
                    HasSubstr("backend.sqlite.pool1.checkpoint_size")));
}

TEST(Settings, FileMustBeAFile) {
    EXPECT_THAT(problems({{"file", ""}}), ElementsAre(HasSubstr("empty")));
    EXPECT_THAT(problems({{"file", ":memory:"}}), ElementsAre(HasSubstr("keeps nothing")));
    EXPECT_THAT(problems({{"file", "/tmp"}}), ElementsAre(HasSubstr("`/tmp` is a directory")));
}

TEST(Settings, DurabilityIsSaidInWords) {
    EXPECT_THAT(make_backend("/data")->durability(),
                HasSubstr("synchronous=full: every commit is flushed"));
    EXPECT_THAT(make_backend("/data", {{"synchronous", "normal"}})->durability(),
                HasSubstr("power failure"));
}

}  // namespace
}  // namespace keepmq::sqlite::test
