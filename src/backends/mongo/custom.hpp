#pragma once
// The user's documents: `{"collection": "...", "document": {...}}` with values in it. Pure.

#include <span>
#include <string>
#include <variant>

#include "backends/mongo/command.hpp"
#include "store/value.hpp"

namespace keepmq::mongo {

struct CustomDocument {
    std::string collection;
    Document document;
};

/// One statement with its values bound; a failure is of the statement, not of the values.
[[nodiscard]] std::variant<CustomDocument, store::Failure> bind_document(
    const store::Statement& statement, std::span<const store::Value> values);

}  // namespace keepmq::mongo
