#include "backends/pgsql/errors.hpp"

#include <algorithm>
#include <optional>

namespace keepmq::pgsql {
namespace {

using std::string_view;
using store::errc;

/// Codes that differ from their class.
std::optional<errc> by_code(string_view code, Author author) {
    const bool user = author == Author::user;
    if (code == "25006")  // read-only: a standby, or a full disk's emergency stop
        return errc::storage_full;
    if (code == "42501")  // insufficient privilege
        return user ? errc::bad_statement : errc::access_denied;
    if (code == "26000")  // the prepared statement is gone
        return errc::busy;
    if (code == "53100")  // disk full
        return errc::storage_full;
    if (code == "55P03" || code == "55006")  // locked, in use
        return errc::busy;
    if (code == "57014")  // statement_timeout
        return errc::timed_out;
    if (code == "57P03")  // starting up or shutting down
        return errc::unreachable;
    return std::nullopt;
}

bool is_one_of(string_view word, std::initializer_list<string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// A code stands between two colons: `FATAL:  28P01: password authentication failed ...`.
string_view find_code(string_view text) {
    constexpr std::size_t size = 5;
    for (auto at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 1)) {
        const auto rest = text.substr(at + 3);
        const auto is_of_code = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        };
        if (rest.size() > size && rest[size] == ':' &&
            std::all_of(rest.begin(), rest.begin() + size, is_of_code))
            return rest.substr(0, size);
    }
    return {};
}

}  // namespace

errc to_errc(string_view code, Author author) {
    if (const auto known = by_code(code, author))
        return *known;
    const auto kind = code.substr(0, 2);
    if (is_one_of(kind, {"22", "23", "21", "44", "54", "P0", "38", "39"}))
        return errc::bad_value;
    if (is_one_of(kind, {"42", "0A", "3F", "25", "2D", "26", "34", "3B"}))
        return author == Author::user ? errc::bad_statement : errc::schema_mismatch;
    if (is_one_of(kind, {"28", "3D"}))
        return errc::access_denied;
    if (is_one_of(kind, {"40", "53", "55"}))
        return errc::busy;
    if (kind == "58")  // input or output
        return errc::storage_full;
    if (is_one_of(kind, {"08", "57"}))
        return errc::connection_lost;
    return errc::busy;
}

store::Failure failure_of_connect(string_view text) {
    store::Failure failure{errc::unreachable, {}};
    const auto code = find_code(text);
    if (!code.empty()) {
        failure.code = to_errc(code, Author::keepmq);
        if (failure.code == errc::connection_lost)
            failure.code = errc::unreachable;
    }
    // In the verbose form a line with the place in the server's source follows.
    text = text.substr(0, text.find("\nLOCATION:"));
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    failure.text = text;
    if (!code.empty())
        failure.text.erase(static_cast<std::size_t>(code.data() - text.data()), code.size() + 2);
    std::erase(failure.text, '\t');
    std::replace(failure.text.begin(), failure.text.end(), '\n', ' ');
    return failure;
}

}  // namespace keepmq::pgsql
