#include "store/schema_report.hpp"

#include <gtest/gtest.h>

namespace keepmq::store {
namespace {

TEST(SchemaReport, TablesAreUsableWithWarnings) {
    EXPECT_FALSE(why_unusable({.warnings = {"slow"}}, "file a", "sqlite", "pool1"));
}

TEST(SchemaReport, WhatIsMissingIsNamedWithTheCommandThatMakesIt) {
    const auto failure =
        why_unusable({.missing = {"table a", "column b.c"}}, "database d", "mysql", "pool2");
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::schema_mismatch, failure->code);
    EXPECT_EQ("database d lacks table a, column b.c (keepmq schema create mysql pool2)",
              failure->text);
}

TEST(SchemaReport, ACheckThatCouldNotRunSaysWhy) {
    const auto failure = why_unusable(
        {.missing = {"table a"}, .failure = Failure{errc::unreachable, "away"}}, "", "", "");
    ASSERT_TRUE(failure);
    EXPECT_EQ(errc::unreachable, failure->code);
}

}  // namespace
}  // namespace keepmq::store
