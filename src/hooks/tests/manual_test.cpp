// docs/rules.md names everything that a rule can say.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "hooks/functions.hpp"
#include "hooks/variables.hpp"

namespace keepmq::hooks {
namespace {

std::string manual() {
    std::ifstream in{std::string{KEEPMQ_TEST_DATA_DIR} + "/../../../docs/rules.md"};
    return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(Manual, NamesEveryFunctionVariableAndHook) {
    const auto text = manual();
    const auto expect_named = [&](std::string_view word) {
        EXPECT_NE(text.find('`' + std::string{word} + '`'), std::string::npos) << word;
    };
    for (const auto name : function_names()) expect_named(name);
    for (std::size_t i = 0; i < hook_count; ++i) {
        const auto hook = static_cast<Hook>(i);
        expect_named(to_string(hook));
        for (const auto name : variables_of(hook)) expect_named(name);
    }
}

TEST(Manual, EveryFunctionStandsInALineWithItsHook) {
    const auto text = manual();
    for (const auto name : function_names()) {
        const auto function = *parse_function(name);
        if (to_string(function) != name)
            continue;  // another name of one that has its line
        const auto start = text.find("| `" + std::string{name} + "` |");
        ASSERT_NE(start, std::string::npos) << name;
        const auto line = text.substr(start, text.find('\n', start) - start);
        for (std::size_t i = 0; i < hook_count; ++i) {
            const auto hook = static_cast<Hook>(i);
            EXPECT_EQ(line.find('`' + std::string{to_string(hook)} + '`') != std::string::npos,
                      belongs_to(function, hook))
                << line;
        }
    }
}

}  // namespace
}  // namespace keepmq::hooks
