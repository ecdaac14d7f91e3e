#pragma once
// What the error texts of a server mean for an operation. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/redis/command.hpp"
#include "store/errc.hpp"

namespace keepmq::redis {

/// Every Redis error begins with a word of capitals; plain `ERR` and the words of a type error
/// concern one command for good, the rest the server or the moment.
[[nodiscard]] store::errc classify(std::string_view error);
[[nodiscard]] store::Failure to_failure(const Answer& error);

/// What is wrong with a command of the user, by what COMMAND INFO says of its name.
[[nodiscard]] std::optional<store::Failure> dislike(const Answer& info,
                                                    const std::vector<std::string>& args);

}  // namespace keepmq::redis
