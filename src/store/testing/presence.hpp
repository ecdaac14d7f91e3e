#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"

namespace keepmq::store::testing {

/// The row of a client in the presence table.
struct Presence {
    bool online = false;
    std::string node;
    std::optional<WallTime> online_at;
    std::optional<WallTime> offline_at;
    std::optional<WallTime> created;
};

}  // namespace keepmq::store::testing
