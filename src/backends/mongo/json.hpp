#pragma once
// JSON as documents and back. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "backends/mongo/document.hpp"

namespace keepmq::mongo {

/// A JSON payload as it is put into a document.
struct Embedded {
    Document document;
    bool is_array = false;
    bool is_exact = false;  ///< to_json() gives the bytes of the payload back
};

/// Nothing for what is not JSON, for a plain value, and for what a document cannot hold: names that
/// are empty or have `$` or `.`, integers beyond 64 bits, very deep nesting.
[[nodiscard]] std::optional<Embedded> embed(std::string_view payload);

/// Compact JSON. What JSON does not know is written as in MongoDB's extended form: `{"$oid": ...}`,
/// `{"$binary": ...}`, `{"$date": ...}`.
[[nodiscard]] std::string to_json(std::string_view bson, bool is_array = false);

/// The same of one value.
[[nodiscard]] std::string to_json(const Field& field);

}  // namespace keepmq::mongo
