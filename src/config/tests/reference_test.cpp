// The key table of docs/configuration.md is generated here. To renew it, run this test with
// KEEPMQ_UPDATE_DOCS=1 in the environment.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/settings.hpp"

namespace keepmq::config {
namespace {

constexpr std::string_view begin_mark =
    "<!-- keys: generated, see src/config/tests/reference_test.cpp -->\n";
constexpr std::string_view end_mark = "<!-- keys: end -->\n";

std::string table() {
    std::string text = "| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const auto& key : known_keys()) {
        const std::string shown =
            key.default_value.empty() ? "" : '`' + std::string{key.default_value} + '`';
        text += "| `" + std::string{key.key} + "` | " + std::string{key.type} + " | " + shown +
                " | " + std::string{key.meaning} + " |\n";
    }
    return text;
}

TEST(ConfigurationReference, IsUpToDate) {
    const std::string path = std::string{KEEPMQ_TEST_DATA_DIR} + "/../../../docs/configuration.md";
    std::ifstream in{path, std::ios::binary};
    ASSERT_TRUE(in) << path;
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto begin = text.find(begin_mark);
    const auto end = text.find(end_mark);
    ASSERT_NE(begin, std::string::npos);
    ASSERT_NE(end, std::string::npos);
    const auto from = begin + begin_mark.size();
    if (std::getenv("KEEPMQ_UPDATE_DOCS") != nullptr) {
        text.replace(from, end - from, table());
        std::ofstream{path, std::ios::binary} << text;
        return;
    }
    EXPECT_EQ(text.substr(from, end - from), table())
        << "docs/configuration.md is stale: run this test with KEEPMQ_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace keepmq::config
