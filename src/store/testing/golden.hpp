#pragma once
// Golden files: what a backend makes of an operation, as text that a person has reviewed.

#include <string_view>

namespace keepmq::store::testing {

/// Fails the test if the text is not that of `<folder>/golden/<name>.txt`. With
/// KEEPMQ_UPDATE_GOLDEN=1 it writes the file anew instead: review the difference.
void expect_golden(std::string_view folder, std::string_view name, std::string_view text);

}  // namespace keepmq::store::testing
