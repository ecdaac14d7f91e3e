#include "store/testing/golden.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace keepmq::store::testing {

void expect_golden(std::string_view folder, std::string_view name, std::string_view text) {
    const auto path = std::string{folder}.append("/golden/").append(name).append(".txt");
    if (std::getenv("KEEPMQ_UPDATE_GOLDEN") != nullptr) {
        std::ofstream{path} << text;
        return;
    }
    std::ifstream file{path};
    ASSERT_TRUE(file) << path << " is missing: run with KEEPMQ_UPDATE_GOLDEN=1";
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(golden.str(), text) << "differs from " << path;
}

}  // namespace keepmq::store::testing
