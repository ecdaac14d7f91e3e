#include "base/diagnostic.hpp"

#include <gtest/gtest.h>

namespace keepmq {
namespace {

TEST(Diagnostic, SaysPlaceKeyProblemAndHint) {
    const Diagnostic one{
        Severity::error, {"etc/keepmq.conf", 7}, "mqtt.max_qos", "is no number", "write 0, 1 or 2"};
    EXPECT_EQ("etc/keepmq.conf:7: error: mqtt.max_qos: is no number (write 0, 1 or 2)",
              one.to_string());
}

TEST(Diagnostic, LeavesOutWhatItDoesNotHave) {
    EXPECT_EQ("--set: warning: unknown key",
              (Diagnostic{Severity::warning, {"--set", 0}, "", "unknown key", ""}).to_string());
}

TEST(Diagnostics, WarningsAreNoErrors) {
    Diagnostics all;
    EXPECT_FALSE(all.has_errors());
    all.warning({"f", 1}, "k", "odd");
    EXPECT_FALSE(all.has_errors());
    all.error({"f", 2}, "k", "wrong", "fix it");
    EXPECT_TRUE(all.has_errors());
}

TEST(Diagnostics, KeepTheirOrder) {
    Diagnostics first;
    first.error({"a", 1}, "k", "one");
    Diagnostics second;
    second.warning({"b", 2}, "k", "two");
    second.error({"b", 3}, "k", "three");
    first.append(second);
    ASSERT_EQ(3U, first.all().size());
    EXPECT_EQ("one", first.all()[0].message);
    EXPECT_EQ("two", first.all()[1].message);
    EXPECT_EQ("three", first.all()[2].message);
    EXPECT_EQ(Severity::warning, first.all()[1].severity);
    EXPECT_EQ(3, first.all()[2].origin.line);
}

}  // namespace
}  // namespace keepmq
