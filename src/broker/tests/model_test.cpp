// Random short lives of a broker against the rules of replay: nothing promised is lost, nothing
// comes twice, order holds, positions pass nothing that is open.
//
//   KEEPMQ_SEED=17 runs that seed only and prints what happened
//   KEEPMQ_ROUNDS=100000 runs longer

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "broker/tests/model_world.hpp"

namespace keepmq::broker::model {
namespace {

std::optional<std::uint64_t> number_from(const char* variable) {
    const char* text = std::getenv(variable);
    return text ? std::optional{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

/// True if no rule was broken.
bool live(std::uint64_t seed, bool record) {
    World world{seed, record};
    world.run(200 + seed % 600);
    if (!world.failed())
        world.finish();
    if (record) {
        std::cout << "seed " << seed << ": " << world.climate().describe() << '\n';
        for (const auto& line : world.history()) std::cout << "  " << line << '\n';
    }
    if (world.failed())
        ADD_FAILURE() << world.failure() << "\n  KEEPMQ_SEED=" << seed << "\n  "
                      << world.climate().describe();
    return !world.failed();
}

TEST(Model, ReplayKeepsItsRules) {
    if (const auto seed = number_from("KEEPMQ_SEED")) {
        live(*seed, true);
        return;
    }
    const auto rounds = number_from("KEEPMQ_ROUNDS").value_or(400);
    int broken = 0;
    for (std::uint64_t seed = 1; seed <= rounds && broken < 10; ++seed)
        broken += !live(seed, false);
}

}  // namespace
}  // namespace keepmq::broker::model
