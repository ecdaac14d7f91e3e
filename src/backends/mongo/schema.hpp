#pragma once
// The indexes that make searches fast and double documents impossible. Collections come into being
// when they are written.

#include <optional>
#include <span>
#include <string_view>

#include "backends/mongo/connection.hpp"
#include "store/backend.hpp"

namespace keepmq::mongo {

struct Index {
    std::string_view collection;
    std::string_view name;
    std::string_view first;   ///< field
    std::string_view second;  ///< field; empty: none
    bool is_unique = false;
    bool expires = false;  ///< documents go at the time that the field holds
};
[[nodiscard]] std::span<const Index> indexes();

/// schema/001_init.js.
[[nodiscard]] std::string_view schema_script();

/// What is missing makes no search impossible, so it is a warning.
[[nodiscard]] store::SchemaReport inspect(Connection& connection);

struct MadeIndexes {
    std::optional<store::Failure> failure;  ///< the server could not be asked
    std::vector<std::string> warnings;      ///< an index that cannot be, and why
    std::string no_expiry;                  ///< why the server has no indexes that expire
};
[[nodiscard]] MadeIndexes make_indexes(Connection& connection);

}  // namespace keepmq::mongo
