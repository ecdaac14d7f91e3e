#pragma once
// What is bound for the row of a message. Views into the message.

#include <string_view>
#include <vector>

#include "model/message.hpp"
#include "sql/params.hpp"

namespace keepmq::sql {

/// NULL for an empty text.
[[nodiscard]] Param text_or_null(std::string_view text);

/// msgid, topic, sender, qos, retain, payload, arrived, and properties if there is a column for
/// them.
[[nodiscard]] std::vector<Param> row_of_message(const Message& message, bool with_properties);
/// topic, msgid, sender, qos, payload, arrived, and properties likewise.
[[nodiscard]] std::vector<Param> row_of_retained(const Message& message, bool with_properties);

}  // namespace keepmq::sql
