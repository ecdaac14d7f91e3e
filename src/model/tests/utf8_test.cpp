#include <gtest/gtest.h>

#include <string>

#include "model/topic.hpp"

namespace keepmq {
namespace {

using namespace std::string_view_literals;

/// Checks `part` alone and at each place of a longer text, to cover the eight-byte steps.
void expect_utf8(bool expected, std::string_view part) {
    for (std::size_t before = 0; before < 18; ++before) {
        for (const std::size_t after : {std::size_t{0}, std::size_t{3}, std::size_t{11}}) {
            const auto text =
                std::string(before, 'a') + std::string{part} + std::string(after, 'z');
            EXPECT_EQ(is_mqtt_utf8(text), expected) << before << " before, " << after << " after";
        }
    }
}

TEST(Utf8, AcceptsTheLimitsOfEachLength) {
    expect_utf8(true, "");
    expect_utf8(true, "\x01");
    expect_utf8(true, "\x7f");
    expect_utf8(true, "\xc2\x80");
    expect_utf8(true, "\xdf\xbf");
    expect_utf8(true, "\xe0\xa0\x80");
    expect_utf8(true, "\xed\x9f\xbf");
    expect_utf8(true, "\xee\x80\x80");
    expect_utf8(true, "\xef\xbf\xbf");
    expect_utf8(true, "\xf0\x90\x80\x80");
    expect_utf8(true, "\xf4\x8f\xbf\xbf");
}

TEST(Utf8, RefusesSurrogates) {  // [MQTT-1.5.4-1]
    expect_utf8(false, "\xed\xa0\x80");
    expect_utf8(false, "\xed\xbf\xbf");
}

TEST(Utf8, RefusesIllFormedSequences) {      // [MQTT-1.5.4-1]
    expect_utf8(false, "\x80");              // continuation without a lead
    expect_utf8(false, "\xc0\xaf");          // overlong
    expect_utf8(false, "\xc1\xbf");          // overlong
    expect_utf8(false, "\xe0\x9f\xbf");      // overlong
    expect_utf8(false, "\xf0\x8f\xbf\xbf");  // overlong
    expect_utf8(false, "\xf4\x90\x80\x80");  // above U+10FFFF
    expect_utf8(false, "\xf5\x80\x80\x80");
    expect_utf8(false, "\xff");
    expect_utf8(false, "\xc2");              // cut
    expect_utf8(false, "\xe2\x82");          // cut
    expect_utf8(false, "\xf0\x9f\x98");      // cut
    expect_utf8(false, "\xe2\x28\xa1");      // second byte is no continuation
    expect_utf8(false, "\xf0\x9f\x28\x80");  // third byte is no continuation
}

TEST(Utf8, RefusesTheNullCharacter) {  // [MQTT-1.5.4-2]
    expect_utf8(false, "\0"sv);
    expect_utf8(false, "a\0b"sv);
}

}  // namespace
}  // namespace keepmq
