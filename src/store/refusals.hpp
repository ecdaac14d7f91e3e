#pragma once
// Of a batch without a transaction: which of its operations were refused.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "store/connection.hpp"

namespace keepmq::store {

/// For Connection::take_refused, from what happened to each operation.
[[nodiscard]] inline std::vector<Connection::Refused> refused_of(
    std::vector<std::optional<Failure>>& failures) {
    std::vector<Connection::Refused> refused;
    for (std::size_t i = 0; i < failures.size(); ++i)
        if (failures[i])
            refused.push_back({i, *std::move(failures[i])});
    return refused;
}

}  // namespace keepmq::store
