#include "admin/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keepmq::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Target, IsTakenApart) {
    const auto target = parse_target("/api/v4/clients/a%2Fb%20c?_page=2&filter=x/%2B");
    ASSERT_TRUE(target);
    EXPECT_THAT(target->segments, ElementsAre("api", "v4", "clients", "a/b c"));
    EXPECT_THAT(target->query, ElementsAre(Pair("_page", "2"), Pair("filter", "x/+")));
}

TEST(Target, PlusStandsForItself) {
    EXPECT_THAT(parse_target("/r?filter=a/+/b")->query, ElementsAre(Pair("filter", "a/+/b")));
}

TEST(Target, FinalSlashMakesNoSegment) {
    EXPECT_THAT(parse_target("/api/v4/")->segments, ElementsAre("api", "v4"));
    EXPECT_THAT(parse_target("/")->segments, IsEmpty());
}

TEST(Target, RefusesWhatIsMalformed) {
    for (const auto* bad : {"",
                            "api",
                            "*",
                            "http://x/api",
                            "/%",
                            "/%4",
                            "/%zz",
                            "/%00",
                            "/%ff",
                            "/?a=%ff",
                            "/?a=1&a=2"})
        EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST(Target, EncodedTextComesBack) {
    const std::string text = "a/b c%+?&=#\"\xc3\xa4~";
    EXPECT_THAT(parse_target('/' + percent_encode(text))->segments, ElementsAre(text));
}

}  // namespace
}  // namespace keepmq::admin
