#pragma once
// Values bound to the user's own statements, and the statements themselves, compiled once at load.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/diagnostic.hpp"

namespace keepmq::store {

/// Raw bytes, as opposed to text.
struct Bytes {
    std::string data;
    friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// monostate binds NULL.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;

/// One statement of a rule, split at its parameters: pieces.size() == parameters + 1. A backend
/// joins the pieces with the placeholders of its dialect; nothing is ever pasted into the text.
struct Statement {
    std::vector<std::string> pieces;
    std::string source;  ///< as the user wrote it, for messages
    Origin origin;

    [[nodiscard]] std::size_t parameters() const { return pieces.size() - 1; }
};

/// The statements of one rule, run in order; immutable, shared by all operations of that rule.
struct Statements {
    std::vector<Statement> list;
};

}  // namespace keepmq::store
