#include "backends/mysql/users.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace keepmq::mysql {
namespace {

using namespace std::string_view_literals;

constexpr std::array allowed{
    "insert"sv, "update"sv, "delete"sv, "replace"sv, "select"sv, "with"sv, "call"sv, "do"sv};

std::string first_word(std::string_view statement) {
    const auto begin = std::min(statement.find_first_not_of(" \t\r\n("), statement.size());
    std::string word;
    for (const char c : statement.substr(begin)) {
        if (std::isalpha(static_cast<unsigned char>(c)) == 0)
            break;
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return word;
}

}  // namespace

std::optional<store::Failure> why_forbidden(std::string_view statement) {
    if (std::find(allowed.begin(), allowed.end(), first_word(statement)) != allowed.end())
        return std::nullopt;
    return store::Failure{
        store::errc::bad_statement,
        fmt::format(
            "a rule may use {}: transactions and definitions belong to the broker and to you",
            fmt::join(allowed, ", "))};
}

}  // namespace keepmq::mysql
