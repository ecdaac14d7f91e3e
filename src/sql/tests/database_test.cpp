#include "sql/database.hpp"

#include <gmock/gmock.h>

namespace keepmq::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Compile, NumberedPlaceholdersAreBoundOnceEach) {
    const auto compiled = compile("a ?2 b ?1 c ?2", Placeholders::numbered);
    EXPECT_EQ("a $1 b $2 c $1", compiled.text);
    EXPECT_THAT(compiled.order, ElementsAre(1, 0));
}

TEST(Compile, PositionalPlaceholdersAreBoundAsOftenAsTheyStand) {
    const auto compiled = compile("a ?2 b ?1 c ?2", Placeholders::positional);
    EXPECT_EQ("a ? b ? c ?", compiled.text);
    EXPECT_THAT(compiled.order, ElementsAre(1, 0, 1));
}

TEST(Compile, ParametersThatAreNotMentionedAreLeftOut) {
    const auto compiled = compile("select ?12", Placeholders::numbered);
    EXPECT_EQ("select $1", compiled.text);
    EXPECT_THAT(compiled.order, ElementsAre(11));
    EXPECT_THAT(compile("select 1", Placeholders::numbered).order, IsEmpty());
}

TEST(Rows, GiveTheirCells) {
    Rows rows{2};
    for (const auto& cell : {Rows::Cell{"a"}, Rows::Cell{}, Rows::Cell{""}, Rows::Cell{"-7"}})
        rows.add(cell);
    ASSERT_EQ(2U, rows.size());
    EXPECT_EQ("a", rows.bytes(0, 0));
    EXPECT_TRUE(rows.is_null(0, 1));
    EXPECT_EQ("", rows.bytes(0, 1));
    EXPECT_FALSE(rows.is_null(1, 0));
    EXPECT_EQ(-7, rows.integer(1, 1));
    EXPECT_EQ(0, rows.integer(0, 1));
    EXPECT_EQ(0U, Rows{0}.size());
}

}  // namespace
}  // namespace keepmq::sql
