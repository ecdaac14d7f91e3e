#pragma once
// One request as the resources see it: decoded, checked, free of HTTP.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keepmq::admin {

enum class Method : std::uint8_t { get, post, put, del, other };

[[nodiscard]] std::string_view to_string(Method method);

/// `/a%20b/c?x=y` taken apart. A slash that was written `%2F` does not separate segments.
struct Target {
    std::vector<std::string> segments;
    std::map<std::string, std::string, std::less<>> query;
};

/// Nothing for a target that is not a path, has a bad percent escape, text that is not UTF-8 or
/// has U+0000, or names a query parameter twice. `+` stands for itself: it is a wildcard of topic
/// filters, and people write it as it is.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

/// Every byte but the unreserved ones of RFC 3986 as %XX; what parse_target takes apart again.
[[nodiscard]] std::string percent_encode(std::string_view text);

struct Paging {
    std::size_t page = 1;
    std::size_t limit = 0;
    [[nodiscard]] std::size_t offset() const { return (page - 1) * limit; }
};

struct Request {
    Method method = Method::get;
    std::vector<std::string> captured;  ///< what stands for the `:name` segments of the route
    std::map<std::string, std::string, std::less<>> query;
    Paging paging;
    std::string body;
};

}  // namespace keepmq::admin
