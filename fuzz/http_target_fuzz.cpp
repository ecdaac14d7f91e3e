// Request targets and Host headers of the admin interface. What is taken apart must survive being
// put together again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "admin/guard.hpp"
#include "admin/request.hpp"
#include "admin/terminal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace keepmq::admin;
    const std::string text(data, data + size);
    (void)is_literal_host(text);
    for (const char c : printable(text)) {
        if (static_cast<unsigned char>(c) < 0x20)
            std::abort();
    }
    const auto target = parse_target(text);
    if (!target)
        return 0;
    std::string path;
    for (const auto& segment : target->segments) path += '/' + percent_encode(segment);
    // An empty last segment looks like a final slash, which makes no segment.
    if (path.empty() || path.ends_with('/'))
        path += '/';
    char separator = '?';
    for (const auto& [name, value] : target->query) {
        path += separator + percent_encode(name) + '=' + percent_encode(value);
        separator = '&';
    }
    const auto again = parse_target(path);
    if (!again || again->segments != target->segments || again->query != target->query)
        std::abort();
    return 0;
}
