// `key = value` lines: the format of both kinds of configuration file.

#include <algorithm>
#include <array>
#include <fstream>
#include <unordered_map>
#include <utility>

#include "config/plugin_conf.hpp"

namespace keepmq::config {
namespace {

constexpr std::string_view blank = " \t\r\f\v";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(blank);
    if (from == std::string_view::npos)
        return {};
    return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t';
}

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '@' || c == '$';
}

/// Messages never show the line itself: it may hold a password.
std::optional<ConfLine> read_line(std::string_view line,
                                  const Origin& origin,
                                  Diagnostics& diagnostics) {
    const auto text = trimmed(line);
    if (text.empty() || text.front() == '#')
        return std::nullopt;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) {
        diagnostics.error(
            origin, "", "no `=` in this line", "write key = value, or start it with #");
        return std::nullopt;
    }
    const auto key = trimmed(text.substr(0, equals));
    const auto value = trimmed(text.substr(equals + 1));
    if (key.empty()) {
        diagnostics.error(origin, "", "no key before the `=`", "write key = value");
        return std::nullopt;
    }
    if (!std::ranges::all_of(key, is_key_character)) {
        diagnostics.error(origin,
                          "",
                          "the text before the `=` is not a key",
                          "a key has letters, digits, `_`, `-` and dots between its parts");
        return std::nullopt;
    }
    if (std::ranges::any_of(value, is_control)) {
        diagnostics.error(origin, key, "the value contains a control character", "");
        return std::nullopt;
    }
    const auto column =
        value.empty() ? line.size() : static_cast<std::size_t>(value.data() - line.data());
    return ConfLine{std::string{key}, std::string{value}, origin, static_cast<int>(column) + 1};
}

}  // namespace

std::vector<ConfLine> parse_conf(std::string_view text,
                                 const std::string& file,
                                 Diagnostics& diagnostics) {
    std::vector<ConfLine> lines;
    std::unordered_map<std::string, std::size_t> seen;
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        auto line = read_line(text.substr(0, end), Origin{file, number}, diagnostics);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line)
            continue;
        const auto [found, is_new] = seen.try_emplace(line->key, lines.size());
        if (is_new) {
            lines.push_back(std::move(*line));
            continue;
        }
        auto& earlier = lines[found->second];
        diagnostics.warning(
            line->origin,
            line->key,
            "is set again here: line " + std::to_string(earlier.origin.line) + " is ignored",
            "remove one of the two");
        earlier = std::move(*line);
    }
    return lines;
}

std::vector<ConfLine> read_conf(const std::string& path, Diagnostics& diagnostics) {
    std::ifstream in{path, std::ios::binary};
    const bool opened = in.is_open();
    std::string text;
    std::array<char, 16'384> block{};
    // A folder opens too; only reading from it fails.
    while (in) {
        in.read(block.data(), static_cast<std::streamsize>(block.size()));
        text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (!opened || in.bad()) {
        diagnostics.error(
            {path, 0}, "", "the file cannot be read", "check that it exists and its permissions");
        return {};
    }
    return parse_conf(text, path, diagnostics);
}

}  // namespace keepmq::config
