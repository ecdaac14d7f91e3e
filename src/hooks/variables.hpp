#pragma once
// The text between `${` and `}`.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/template.hpp"

namespace keepmq::hooks {

/// A problem with one `${...}`, in words; `hint` may be empty.
struct VariableProblem {
    std::string message;
    std::string hint;
};

/// Reads `name`, `payload.json.a.b`, `name:-fallback`. Nothing, and `problem` set, when the name is
/// unknown or the hook has no such value.
[[nodiscard]] std::optional<Parameter> parse_variable(std::string_view inside,
                                                      Hook hook,
                                                      VariableProblem& problem);

/// Names that the hook has a value for, in the order of the manual.
[[nodiscard]] std::vector<std::string_view> variables_of(Hook hook);

}  // namespace keepmq::hooks
