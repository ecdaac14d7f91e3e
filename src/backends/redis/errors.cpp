#include "backends/redis/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace keepmq::redis {
namespace {

using namespace std::string_view_literals;
using store::errc;

constexpr std::array<std::pair<std::string_view, errc>, 14> known{{
    {"NOAUTH"sv, errc::access_denied},
    {"WRONGPASS"sv, errc::access_denied},
    {"NOPERM"sv, errc::access_denied},
    {"LOADING"sv, errc::busy},
    {"BUSY"sv, errc::busy},
    {"TRYAGAIN"sv, errc::busy},
    {"CLUSTERDOWN"sv, errc::busy},
    {"MASTERDOWN"sv, errc::busy},
    {"NOREPLICAS"sv, errc::busy},
    {"UNBLOCKED"sv, errc::busy},
    {"READONLY"sv, errc::storage_full},
    {"OOM"sv, errc::storage_full},
    {"MISCONF"sv, errc::storage_full},
    {"WRONGTYPE"sv, errc::bad_value},
}};

/// Errors that have no word of their own.
constexpr std::array<std::pair<std::string_view, errc>, 5> phrases{{
    {"ERR max number of clients"sv, errc::busy},
    {"ERR invalid password"sv, errc::access_denied},
    {"ERR Client sent AUTH, but no password is set"sv, errc::access_denied},
    {"ERR AUTH "sv, errc::access_denied},
    {"ERR DB index is out of range"sv, errc::access_denied},
}};

}  // namespace

errc classify(std::string_view error) {
    for (const auto& [phrase, code] : phrases)
        if (error.starts_with(phrase))
            return code;
    const auto word = error.substr(0, error.find(' '));
    const auto* const found =
        std::ranges::find(known, word, &std::pair<std::string_view, errc>::first);
    return found == known.end() ? errc::bad_statement : found->second;
}

store::Failure to_failure(const Answer& error) {
    return {classify(error.text), error.text};
}

std::optional<store::Failure> dislike(const Answer& info, const std::vector<std::string>& args) {
    if (info.list.size() < 2)
        return store::Failure{errc::bad_statement,
                              fmt::format("unknown command \"{}\"", args.front())};
    // Negative: at least so many words, the name included.
    const auto arity = info.list[1].integer;
    const auto words = static_cast<std::int64_t>(args.size());
    if (arity >= 0 ? words == arity : words >= -arity)
        return std::nullopt;
    return store::Failure{errc::bad_statement,
                          fmt::format("wrong number of arguments for \"{}\"", args.front())};
}

}  // namespace keepmq::redis
