#include <gtest/gtest.h>

#include "config/plugin_conf.hpp"

namespace keepmq::config {
namespace {

using std::chrono::milliseconds;

/// -1: not a duration, -2: infinity.
std::int64_t millis(std::string_view text) {
    const auto value = parse_duration(text);
    if (!value)
        return -1;
    return *value ? (*value)->count() : -2;
}

TEST(Values, ReadsDurations) {
    EXPECT_EQ(millis("500ms"), 500);
    EXPECT_EQ(millis("30"), 30'000);
    EXPECT_EQ(millis("5s"), 5'000);
    EXPECT_EQ(millis("2m"), 120'000);
    EXPECT_EQ(millis("2h"), 7'200'000);
    EXPECT_EQ(millis("1d"), 86'400'000);
    EXPECT_EQ(millis("2 h"), 7'200'000);
    EXPECT_EQ(millis("0"), 0);
    EXPECT_EQ(millis("infinity"), -2);
}

TEST(Values, RefusesWhatIsNoDuration) {
    for (const auto* text : {"",
                             "h",
                             "-1s",
                             "1.5h",
                             "2x",
                             "2hh",
                             "+3s",
                             " 3s",
                             "99999999999999999999",
                             "9223372036854775807d",
                             "999999999999h"})
        EXPECT_EQ(millis(text), -1) << text;
}

TEST(Values, ReadsSizes) {
    EXPECT_EQ(parse_bytes("1024"), 1024U);
    EXPECT_EQ(parse_bytes("64KB"), 65'536U);
    EXPECT_EQ(parse_bytes("1mb"), 1'048'576U);
    EXPECT_EQ(parse_bytes("2GB"), 2'147'483'648U);
    EXPECT_EQ(parse_bytes("1TB"), std::nullopt);
    EXPECT_EQ(parse_bytes("-1"), std::nullopt);
    EXPECT_EQ(parse_bytes("9223372036854775807GB"), std::nullopt);
}

TEST(Values, ReadsCounts) {
    using Count = std::optional<std::uint64_t>;
    EXPECT_EQ(parse_count("500"), std::optional<Count>{500});
    EXPECT_EQ(parse_count("infinity"), std::optional<Count>{std::in_place});
    EXPECT_EQ(parse_count("0"), std::nullopt);
    EXPECT_EQ(parse_count("5s"), std::nullopt);
}

TEST(Values, GuessesTheNearestWord) {
    const std::vector<std::string_view> known{"pool_size", "password", "server"};
    EXPECT_EQ(nearest("pol_size", known), "pool_size");
    EXPECT_EQ(nearest("PASSWORD", known), "password");
    EXPECT_EQ(nearest("sever", known), "server");
    EXPECT_EQ(nearest("completely_else", known), std::nullopt);
    EXPECT_EQ(nearest("", known), std::nullopt);
    EXPECT_EQ(nearest(std::string(100'000, 'x'), known), std::nullopt);
}

}  // namespace
}  // namespace keepmq::config
