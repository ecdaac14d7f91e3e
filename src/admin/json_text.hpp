#pragma once
// How texts, bytes and times look in JSON.

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace keepmq::admin {

/// The text; if it is not UTF-8, with U+FFFD for each byte that is not ASCII.
[[nodiscard]] boost::json::string json_text(std::string_view text);

/// Adds `payload`, `encoding` (`plain`, or `base64` when the bytes are not UTF-8) to the object.
void add_payload(boost::json::object& out, std::string_view payload);

[[nodiscard]] std::string base64(std::string_view bytes);

/// `2024-05-01T12:00:00.000Z`
[[nodiscard]] std::string iso_time(WallTime time);

/// As iso_time, null for the epoch: "never".
[[nodiscard]] boost::json::value json_time(WallTime time);

/// `3 days, 4 hours, 5 minutes, 6 seconds`, as EMQ X says it.
[[nodiscard]] std::string uptime_text(std::chrono::seconds uptime);

}  // namespace keepmq::admin
