#pragma once
// What the numbers of MySQL and MariaDB mean for the one who waits. Pure.

#include <cstdint>
#include <string_view>

#include "store/errc.hpp"

namespace keepmq::mysql {

/// Whose mistake it is when a statement does not compile.
enum class Author : std::uint8_t { keepmq, user };

/// When in doubt the answer is not a permanent one.
[[nodiscard]] store::errc to_errc(unsigned code, std::string_view sqlstate, Author author);

/// The same for an error while a connection is made: nothing was under way.
[[nodiscard]] store::errc to_errc_of_connect(unsigned code, std::string_view sqlstate);

/// A unique key has the value already.
[[nodiscard]] bool is_duplicate(unsigned code);

}  // namespace keepmq::mysql
