#pragma once
// What the SQL databases share below their dialects: bound values, ranges of topics, and how a row
// that was written by another program gets a message id.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "model/message_id.hpp"

namespace keepmq::sql {

/// Bytes that are bound as a blob.
struct BlobView {
    std::string_view bytes;
};

/// What is bound to a parameter. Views point into the operation; monostate binds NULL.
using Param =
    std::variant<std::monostate, std::int64_t, double, std::string_view, BlobView, std::string>;

/// All topics that begin with some bytes: [first, beyond).
struct TopicRange {
    std::string first;
    std::optional<std::string> beyond;  ///< nothing: no upper end
};
[[nodiscard]] TopicRange topics_that_begin_with(std::string_view prefix);

/// A message whose stored id text is not ours (another program wrote the row) is known by its row.
[[nodiscard]] MessageId id_of_row(std::int64_t row);
[[nodiscard]] std::optional<std::int64_t> row_of(const MessageId& id);

/// A number of seconds since the epoch; or, when it is too large for that, of milliseconds: EMQ X
/// wrote both. Nothing for a negative one or one after the year 9999.
[[nodiscard]] std::optional<WallTime> time_of_number(std::int64_t number);

/// When a message arrived. A stored time has whole seconds; the id, when it is of that second, has
/// the rest.
[[nodiscard]] WallTime time_of_arrival(std::optional<WallTime> stored, const MessageId& id);

}  // namespace keepmq::sql
