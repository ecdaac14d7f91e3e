#include "load/audit_options.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace keepmq::load {
namespace {

using ::testing::HasSubstr;

AuditOptions parse(std::vector<std::string_view> words) {
    return parse_audit_options(words);
}

TEST(AuditOptions, TakeDatabaseAndLoad) {
    const auto options = parse({"pgsql",
                                "pool1",
                                "--port",
                                "2883",
                                "--qos",
                                "2",
                                "--rate",
                                "500",
                                "--seconds",
                                "1.5",
                                "--subscribe",
                                "3",
                                "--json"});
    EXPECT_EQ(options.error, "");
    EXPECT_EQ(options.kind, "pgsql");
    EXPECT_EQ(options.pool, "pool1");
    EXPECT_EQ(options.plan.port, 2883);
    EXPECT_EQ(options.plan.qos, AuditQos::two);
    EXPECT_EQ(options.plan.rate, 500);
    EXPECT_EQ(options.plan.duration, std::chrono::milliseconds{1500});
    EXPECT_EQ(options.plan.subscribers, 3U);
    EXPECT_TRUE(options.json);
}

TEST(AuditOptions, GiveEachRunAWordOfItsOwn) {
    EXPECT_NE(parse({"sqlite", "pool1"}).plan.run, parse({"sqlite", "pool1"}).plan.run);
}

TEST(AuditOptions, NameWhatIsWrong) {
    EXPECT_THAT(parse({"sqlite"}).error, HasSubstr("POOL"));
    EXPECT_THAT(parse({"sqlite", "pool1", "pool2"}).error, HasSubstr("pool2"));
    const std::vector<std::vector<std::string_view>> wrong{{"--qos", "0"},
                                                           {"--version", "3"},
                                                           {"--publishers", "0"},
                                                           {"--rate", "fast"},
                                                           {"--run", "a/b"},
                                                           {"--topic", "fixed"},
                                                           {"--seconds"},
                                                           {"--what", "1"}};
    for (auto words : wrong) {
        const auto option = std::string{words[0]};
        words.insert(words.begin(), {"sqlite", "pool1"});
        EXPECT_THAT(parse(words).error, HasSubstr(option));
    }
}

}  // namespace
}  // namespace keepmq::load
