#pragma once
// What can go wrong at a database, in the terms that decide what happens next.

#include <optional>
#include <string>

#include "base/result.hpp"

namespace keepmq::store {

enum class errc {
    unreachable = 1,  ///< no connection could be made: retried quietly
    connection_lost,  ///< while a batch was under way: its outcome is unknown
    timed_out,        ///< deadline of a statement: its outcome is unknown
    busy,             ///< locked, deadlock, server too busy: retried
    storage_full,     ///< disk full or read-only: retried
    access_denied,    ///< wrong user, password or database: retried slowly, said loudly
    schema_mismatch,  ///< table or column missing: retried slowly, said loudly
    bad_statement,    ///< the statement can never run: permanent
    bad_value,        ///< too long, wrong type, constraint: permanent for this operation
    shutting_down,    ///< the pool was stopped before the operation could run
};

[[nodiscard]] ErrorCode make_error_code(errc code);

/// Worth another try of the same batch.
[[nodiscard]] bool is_transient(errc code);

/// Belongs to one operation: the batch is split until that one stands alone.
[[nodiscard]] bool is_permanent(errc code);

/// The batch may have been committed.
[[nodiscard]] bool is_outcome_unknown(errc code);

/// An error and what the driver said about it.
struct Failure {
    errc code = errc::unreachable;
    std::string text;
};

}  // namespace keepmq::store

template <>
struct boost::system::is_error_code_enum<keepmq::store::errc> : std::true_type {};
