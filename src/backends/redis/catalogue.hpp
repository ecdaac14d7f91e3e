#pragma once
// The sorted sets of topics behind filters with wildcards.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/redis/servers.hpp"

namespace keepmq::redis {

/// Topics of the catalogue that the filter matches.
[[nodiscard]] std::variant<std::vector<std::string>, store::Failure> matching_topics(
    Servers& servers, std::string_view catalogue, std::string_view filter);

}  // namespace keepmq::redis
