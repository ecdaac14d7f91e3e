#pragma once
// Command lines as tables: what can be given, what it means, where it goes. The table is the help.

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keepmq::load {

struct Option {
    std::string names;  ///< "-q, --qos"; any of them may be given, also as `--qos=1`
    std::string value;  ///< what follows, for the help; empty: nothing does
    std::string help;
    /// Takes the value. Empty if it is good, else what is wanted: "0, 1 or 2".
    std::function<std::string(std::string_view)> take;
};

/// Empty, or in one line what is wrong.
[[nodiscard]] std::string parse_options(std::span<const Option> options,
                                        std::span<const std::string_view> words);
/// A line or two for each option.
[[nodiscard]] std::string options_help(std::span<const Option> options);

// --- kinds of values. `into` outlives the option; its present value is the default in the help.

[[nodiscard]] Option flag(std::string names, bool& into, std::string help);
[[nodiscard]] Option text(std::string names,
                          std::string value,
                          std::string& into,
                          const std::string& help);
[[nodiscard]] Option text(std::string names,
                          std::string value,
                          std::optional<std::string>& into,
                          std::string help);
[[nodiscard]] Option count(std::string names,
                           std::uint64_t& into,
                           const std::string& help,
                           std::uint64_t least,
                           std::uint64_t most = std::numeric_limits<std::int64_t>::max());
/// A number that is not negative; 0 is for `unset`.
[[nodiscard]] Option rate(std::string names, double& into, std::string help);
[[nodiscard]] Option seconds(std::string names,
                             std::chrono::milliseconds& into,
                             const std::string& help);

}  // namespace keepmq::load
