#include "backends/cassa/errors.hpp"

#include <algorithm>
#include <array>

namespace keepmq::cassa {
namespace {

using namespace std::string_view_literals;
using store::errc;

// The order of the codes in keepmq_cassandra.h, from 1.
constexpr std::array plain{
    errc::unreachable, errc::connection_lost, errc::timed_out, errc::busy, errc::access_denied};
constexpr std::int32_t forbidden = 6;
constexpr std::int32_t syntax = 7;
constexpr std::int32_t invalid = 8;
constexpr std::int32_t interrupted = 10;

constexpr std::array of_schema{"unconfigured table"sv,
                               "table "sv,
                               "undefined column"sv,
                               "Undefined column"sv,
                               "Unknown identifier"sv,
                               "Unknown column"sv,
                               "keyspace "sv,
                               "Keyspace "sv};

bool is_of_schema(std::string_view text) {
    return std::ranges::any_of(of_schema, [&](auto begin) { return text.starts_with(begin); });
}

}  // namespace

errc to_errc(std::int32_t code, std::string_view text, Author author) {
    const bool user = author == Author::user;
    if (code >= 1 && code <= static_cast<std::int32_t>(plain.size()))
        return plain.at(static_cast<std::size_t>(code - 1));
    if (code == forbidden)
        return user ? errc::bad_statement : errc::access_denied;
    if (code == syntax)
        return user ? errc::bad_statement : errc::schema_mismatch;
    if (code == invalid && is_of_schema(text))
        return user ? errc::bad_statement : errc::schema_mismatch;
    if (code == invalid)
        return errc::bad_value;
    if (code == interrupted)
        return errc::connection_lost;
    // A row beyond half of a commit log segment.
    if (text.find("is too large for the maximum size") != text.npos ||
        text.find("Rejected an oversized mutation") != text.npos)
        return errc::bad_value;
    return errc::busy;
}

}  // namespace keepmq::cassa
