#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/plugin_conf.hpp"
#include "config/tests/problems.hpp"

namespace keepmq::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<ConfLine> parse(std::string_view text, std::vector<std::string>* problems = nullptr) {
    Diagnostics diagnostics;
    auto lines = parse_conf(text, "a.conf", diagnostics);
    if (problems != nullptr)
        *problems = problems_of(diagnostics);
    else
        EXPECT_THAT(problems_of(diagnostics), IsEmpty());
    return lines;
}

TEST(ConfLines, ReadsKeysAndValuesAndSkipsComments) {
    const auto lines =
        parse("# comment\n## other\n\n  a.b = 1 # not a comment\r\nc=x = y\n\td\t=\n");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].key, "a.b");
    EXPECT_EQ(lines[0].value, "1 # not a comment");
    EXPECT_EQ(lines[0].origin.line, 4);
    EXPECT_EQ(lines[0].column, 9);
    EXPECT_EQ(lines[1].value, "x = y");
    EXPECT_EQ(lines[2].key, "d");
    EXPECT_EQ(lines[2].value, "");
}

TEST(ConfLines, ToleratesByteOrderMarkAndMissingLastNewline) {
    const auto lines = parse(
        "\xEF\xBB\xBF"
        "a = 1");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].key, "a");
}

TEST(ConfLines, LaterLineWinsAndIsReported) {
    std::vector<std::string> problems;
    const auto lines = parse("a = 1\nb = 2\na = 3\n", &problems);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].value, "3");
    EXPECT_EQ(lines[0].origin.line, 3);
    EXPECT_THAT(problems,
                ElementsAre("a.conf:3: warning: a: is set again here: line 1 is ignored "
                            "(remove one of the two)"));
}

TEST(ConfLines, ReportsEveryBrokenLineAndNeverShowsIt) {
    std::vector<std::string> problems;
    const auto lines = parse("secret\n= secret\nse cret = secret\nk = a\x01z\n", &problems);
    EXPECT_THAT(lines, IsEmpty());
    EXPECT_THAT(
        problems,
        ElementsAre("a.conf:1: error: no `=` in this line (write key = value, or start it with #)",
                    "a.conf:2: error: no key before the `=` (write key = value)",
                    "a.conf:3: error: the text before the `=` is not a key (a key has letters, "
                    "digits, `_`, `-` and dots between its parts)",
                    "a.conf:4: error: k: the value contains a control character"));
}

TEST(ConfLines, MissingFileIsAProblem) {
    Diagnostics diagnostics;
    EXPECT_THAT(read_conf("/nonexistent/x.conf", diagnostics), IsEmpty());
    EXPECT_THAT(problems_of(diagnostics),
                ElementsAre("/nonexistent/x.conf: error: the file cannot be read (check that it "
                            "exists and its permissions)"));
}

TEST(ConfLines, FolderInsteadOfFileIsAProblem) {
    Diagnostics diagnostics;
    EXPECT_THAT(read_conf("/tmp", diagnostics), IsEmpty());
    EXPECT_TRUE(diagnostics.has_errors());
}

}  // namespace
}  // namespace keepmq::config
