#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.hpp"

namespace keepmq::config {

/// What a person would read, one text per problem.
inline std::vector<std::string> problems_of(const Diagnostics& diagnostics) {
    std::vector<std::string> texts;
    for (const auto& one : diagnostics.all()) texts.push_back(one.to_string());
    return texts;
}

}  // namespace keepmq::config
