#pragma once
// What the driver's kinds of errors mean for an operation. Pure.

#include <cstdint>
#include <string_view>

#include "backends/cassa/connection.hpp"
#include "store/errc.hpp"

namespace keepmq::cassa {

/// `code`: as in keepmq_cassandra.h.
[[nodiscard]] store::errc to_errc(std::int32_t code, std::string_view text, Author author);

}  // namespace keepmq::cassa
