#include <gtest/gtest.h>

#include <sstream>

#include "admin/exposition.hpp"
#include "admin/json_text.hpp"
#include "admin/terminal.hpp"

namespace keepmq::admin {
namespace {

TEST(JsonText, Base64) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(JsonText, Times) {
    EXPECT_EQ(iso_time(WallTime{Micros{1'714'564'800'123'456}}), "2024-05-01T12:00:00.123Z");
    EXPECT_TRUE(json_time(WallTime{}).is_null());
    EXPECT_EQ(uptime_text(std::chrono::seconds{59}), "59 seconds");
    EXPECT_EQ(uptime_text(std::chrono::seconds{93'784}), "1 days, 2 hours, 3 minutes, 4 seconds");
}

TEST(JsonText, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(json_text("a\xff"), "a\xEF\xBF\xBD");
    EXPECT_EQ(json_text("\xc3\xa4"), "\xc3\xa4");
}

TEST(Exposition, EscapesLabelsAndHelp) {
    Exposition out;
    out.metric("keepmq_x", Kind::gauge, "a\\b\nc");
    out.sample({{"a", "q\"b\\n\n"}, {"empty", ""}}, std::uint64_t{1});
    out.sample({}, 0.25);
    EXPECT_EQ(out.take(),
              "# HELP keepmq_x a\\\\b\\nc\n# TYPE keepmq_x gauge\n"
              "keepmq_x{a=\"q\\\"b\\\\n\\n\"} 1\nkeepmq_x 0.25\n");
}

TEST(Terminal, EscapesWhatATerminalActsUpon) {
    EXPECT_EQ(printable("plain \xc3\xa4"), "plain \xc3\xa4");
    EXPECT_EQ(printable("\x1b[31m\n\\"), "\\x1b[31m\\x0a\\\\");
    EXPECT_EQ(printable("\xc2\x9b"
                        "1m"),
              "\\u{9b}1m");
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "evil"),
              "\\u{202e}evil");
    EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
    EXPECT_EQ(printable(std::string_view{"\0", 1}), "\\x00");
}

TEST(Terminal, AlignsByCharacters) {
    Table table;
    table.column("NAME");
    table.column("N", Align::right);
    table.row({"\xc3\xa4", "1"});
    table.row({"longer", "100"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "NAME      N\n\xc3\xa4         1\nlonger  100\n");
}

}  // namespace
}  // namespace keepmq::admin
