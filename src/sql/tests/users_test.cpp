#include "sql/users.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keepmq::sql {
namespace {

using ::testing::ElementsAre;

std::string numbered(const store::Statement& statement) {
    return join(statement, "$", Numbered::yes);
}

store::Execute execute(std::vector<std::vector<std::string>> statements,
                       std::vector<store::Value> values) {
    auto list = std::make_shared<store::Statements>();
    for (auto& pieces : statements) list->list.push_back({std::move(pieces), "source", {}});
    return {std::move(list), std::move(values)};
}

TEST(UserStatements, GetThePlaceholdersOfADialect) {
    const store::Statement statement{{"insert into t values (", ", 'x', ", ")"}, {}, {}};
    EXPECT_EQ("insert into t values (?, 'x', ?)", join(statement, "?", Numbered::no));
    EXPECT_EQ("insert into t values ($1, 'x', $2)", join(statement, "$", Numbered::yes));
    EXPECT_EQ("delete from t", join({{"delete from t"}, {}, {}}, "?", Numbered::yes));
}

TEST(UserStatements, EachIsRunWithItsOwnParameters) {
    UserStatements users{numbered};
    const auto op = execute({{"a ", " ", ""}, {"b"}, {"c ", ""}},
                            {std::int64_t{1}, std::string{"two"}, store::Bytes{"three"}});
    std::vector<std::string> texts;
    std::vector<std::size_t> counts;
    for (int again = 0; again < 2; ++again)
        EXPECT_FALSE(users.run(op, [&](const std::string& text, std::span<const Param> params) {
            texts.push_back(text);
            counts.push_back(params.size());
            if (text == "c $1") {
                EXPECT_EQ("three", std::get<BlobView>(params[0]).bytes);
            }
            return std::optional<store::Failure>{};
        }));
    EXPECT_THAT(texts, ElementsAre("a $1 $2", "b", "c $1", "a $1 $2", "b", "c $1"));
    EXPECT_THAT(counts, ElementsAre(2, 0, 1, 2, 0, 1));
}

TEST(UserStatements, AFailureEndsThemAndNamesItsStatement) {
    UserStatements users{numbered};
    int calls = 0;
    const auto failure = users.run(execute({{"a"}, {"b"}}, {}), [&](const auto&, auto) {
        ++calls;
        return std::optional{store::Failure{store::errc::bad_statement, "no such table"}};
    });
    ASSERT_TRUE(failure);
    EXPECT_EQ(1, calls);
    EXPECT_EQ(store::errc::bad_statement, failure->code);
    EXPECT_EQ("no such table in: source", failure->text);
}

}  // namespace
}  // namespace keepmq::sql
