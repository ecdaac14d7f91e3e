#pragma once
// The JSON value of a rule line. Only for the sources of this module.

#include <optional>
#include <string_view>

#include "config/plugin_conf.hpp"

namespace keepmq::config {

/// Fills the members that the JSON has into `rule`, whose place, key, hook and ordinal are set.
/// Reports everything that is wrong; false after an error.
[[nodiscard]] bool read_rule(const ConfLine& line,
                             std::string_view statement_member,
                             RuleSpec& rule,
                             Diagnostics& diagnostics);

}  // namespace keepmq::config
