#pragma once
// Which of the user's own statements may run. Pure.

#include <optional>
#include <string_view>

#include "store/errc.hpp"

namespace keepmq::mysql {

/// Statements that change definitions commit by themselves, which would cut a batch in two; only
/// those that read and write rows may run.
[[nodiscard]] std::optional<store::Failure> why_forbidden(std::string_view statement);

}  // namespace keepmq::mysql
