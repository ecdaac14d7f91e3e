#pragma once
// What the error codes of PostgreSQL (SQLSTATE) mean for an operation. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/errc.hpp"

namespace keepmq::pgsql {

/// Whose mistake it is when a statement cannot run.
enum class Author : std::uint8_t { keepmq, user };

[[nodiscard]] store::errc to_errc(std::string_view sqlstate, Author author);

/// From the verbose text of a connection that failed, because there libpq gives no code apart: the
/// code found in it or `unreachable`, and the text in one line.
[[nodiscard]] store::Failure failure_of_connect(std::string_view verbose_text);

}  // namespace keepmq::pgsql
