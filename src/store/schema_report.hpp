#pragma once
// What a schema check means for a connection.

#include <optional>
#include <string_view>

#include "store/backend.hpp"

namespace keepmq::store {

/// Why tables cannot be used, or nothing. `place` has them: `database mqtt`.
[[nodiscard]] std::optional<Failure> why_unusable(const SchemaReport& report,
                                                  std::string_view place,
                                                  std::string_view kind,
                                                  std::string_view pool);

}  // namespace keepmq::store
