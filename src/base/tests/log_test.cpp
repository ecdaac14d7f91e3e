#include "base/log.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace keepmq {
namespace {

/// What the calls wrote to standard error.
template <class Calls>
std::string written(Calls calls) {
    testing::internal::CaptureStderr();
    calls();
    return testing::internal::GetCapturedStderr();
}

class LogTest : public testing::Test {
  protected:
    ~LogTest() override { set_log_level("info"); }
};

TEST_F(LogTest, OneLineWithTimeLevelAndModule) {
    const Log log{"testing"};
    const auto line = written([&] { log.warn("commit failed pool={} lane={}", "p", 3); });
    const std::regex form{
        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} warning testing: commit failed pool=p lane=3\n)"};
    EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST_F(LogTest, LevelHoldsForAllLoggersOldAndNew) {
    const Log old{"old"};
    ASSERT_TRUE(set_log_level("warning"));
    const Log fresh{"fresh"};
    EXPECT_EQ("", written([&] {
                  old.info("quiet");
                  fresh.info("quiet");
                  fresh.debug("quiet");
              }));
    EXPECT_NE("", written([&] { old.warn("loud"); }));
    EXPECT_NE("", written([&] { fresh.error("loud"); }));
}

TEST_F(LogTest, KnowsTheFourLevels) {
    for (const auto* level : {"error", "warning", "info", "debug"})
        EXPECT_TRUE(set_log_level(level)) << level;
    const Log log{"levels"};
    EXPECT_NE("", written([&] { log.debug("said"); }));
}

TEST_F(LogTest, AnUnknownLevelChangesNothing) {
    const Log log{"unknown-level"};
    ASSERT_TRUE(set_log_level("error"));
    EXPECT_FALSE(set_log_level("loud"));
    EXPECT_FALSE(set_log_level(""));
    EXPECT_EQ("", written([&] { log.warn("quiet"); }));
    EXPECT_NE("", written([&] { log.error("loud"); }));
}

TEST_F(LogTest, LoggersOfOneModuleAreOne) {
    const Log one{"shared"};
    const Log other{"shared"};
    EXPECT_NE(std::string::npos, written([&] { other.info("x"); }).find(" shared: x"));
}

TEST(Escaped, LeavesPrintableTextAlone) {
    EXPECT_EQ("device-7/state ~!", escaped("device-7/state ~!"));
    EXPECT_EQ("", escaped(""));
}

TEST(Escaped, ShowsEveryOtherByteAsHex) {
    EXPECT_EQ("a\\x0ab\\x00\\x1b[31m\\x7f", escaped(std::string_view{"a\nb\0\x1b[31m\x7f", 10}));
    EXPECT_EQ("\\xc3\\xa4", escaped("\xc3\xa4"));
}

TEST(Escaped, CutsLongTextAndSaysHowLongItWas) {
    EXPECT_EQ(std::string(120, 'x'), escaped(std::string(120, 'x')));
    EXPECT_EQ(std::string(120, 'x') + "...(121 bytes)", escaped(std::string(121, 'x')));
}

}  // namespace
}  // namespace keepmq
