#pragma once
// What is known of each built-in function before any rule is read.

#include <optional>
#include <string_view>
#include <vector>

#include "hooks/rules.hpp"

namespace keepmq::hooks {

/// The part a function plays in storing and replaying messages. Rules with a part that overlap on a
/// topic have to name one pool, because order and read positions are kept per pool. `acknowledge`
/// is whatever moves or forgets a position.
enum class Part : std::uint8_t { none, store, fetch, acknowledge };

/// Reads a name or an alias.
[[nodiscard]] std::optional<Function> parse_function(std::string_view name);
[[nodiscard]] const std::vector<std::string_view>& function_names();

[[nodiscard]] bool belongs_to(Function function, Hook hook);
/// "client.connected, session.created or session.resumed"
[[nodiscard]] std::string hooks_of(Function function);

[[nodiscard]] Part part_of(Function function);
/// Whether `expired_time` means something for it.
[[nodiscard]] bool can_expire(Function function);

}  // namespace keepmq::hooks
