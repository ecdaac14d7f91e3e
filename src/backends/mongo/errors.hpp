#pragma once
// What the error numbers of a server mean for an operation. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/errc.hpp"

namespace keepmq::mongo {

constexpr std::int64_t duplicate_key = 11000;

/// An error that a server reported, for a command or for one document of it.
[[nodiscard]] store::errc classify(std::int64_t code);

}  // namespace keepmq::mongo
