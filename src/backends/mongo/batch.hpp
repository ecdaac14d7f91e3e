#pragma once
// One batch of writes.

#include <optional>
#include <vector>

#include "backends/mongo/connection.hpp"
#include "backends/mongo/numbers.hpp"
#include "backends/mongo/translate.hpp"

namespace keepmq::mongo {

/// No value: written, except for the operations in `refused`, which the server refused for good.
[[nodiscard]] std::optional<store::Failure> write_batch(
    Connection& connection,
    Numbers& numbers,
    Batch batch,
    store::Attempt attempt,
    std::vector<store::Connection::Refused>& refused);

}  // namespace keepmq::mongo
