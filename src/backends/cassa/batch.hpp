#pragma once
// One batch of writes.

#include <optional>
#include <span>
#include <vector>

#include "backends/cassa/connection.hpp"
#include "backends/cassa/translate.hpp"
#include "store/connection.hpp"

namespace keepmq::cassa {

/// No value: written, except for the operations in `refused`, which can never be written.
[[nodiscard]] std::optional<store::Failure> write_batch(
    Session& session,
    const Translator& translator,
    std::span<const store::Op* const> batch,
    store::Attempt attempt,
    const Interrupt& interrupt,
    std::vector<store::Connection::Refused>& refused);

}  // namespace keepmq::cassa
