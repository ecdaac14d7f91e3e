#pragma once
// How times and MQTT 5 properties stand in a column. Pure functions.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/message.hpp"

namespace keepmq::sql {

/// `YYYY-MM-DD HH:MM:SS.ffffff`: sorts like the time.
[[nodiscard]] std::string format_time(WallTime time);

/// The smallest text that any spelling of a time from `time` on compares as equal or greater to.
[[nodiscard]] std::string lower_bound_of_time(WallTime time);

/// Reads what format_time writes and what `datetime('now')` and friends write: a `T` for the blank,
/// no or any number of fraction digits, a final `Z`.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

/// JSON object with the properties that are set.
[[nodiscard]] std::string format_properties(const MessageProperties& properties);

/// Null for anything that is not such an object; unknown members are ignored.
[[nodiscard]] std::unique_ptr<const MessageProperties> parse_properties(std::string_view json);

}  // namespace keepmq::sql
