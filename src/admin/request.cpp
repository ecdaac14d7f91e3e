#include "admin/request.hpp"

#include <array>
#include <utility>

#include "model/topic.hpp"

namespace keepmq::admin {
namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3)
            return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low)
            return std::nullopt;
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    if (!is_mqtt_utf8(out))
        return std::nullopt;
    return out;
}

std::pair<std::string_view, std::string_view> split_at(std::string_view text, char separator) {
    const auto place = text.find(separator);
    if (place == std::string_view::npos)
        return {text, {}};
    return {text.substr(0, place), text.substr(place + 1)};
}

bool parse_path(std::string_view path, Target& out) {
    path.remove_prefix(1);
    while (!path.empty()) {
        const auto [segment, rest] = split_at(path, '/');
        auto decoded = percent_decode(segment);
        if (!decoded)
            return false;
        out.segments.push_back(std::move(*decoded));
        path = rest;
    }
    return true;
}

bool parse_query(std::string_view query, Target& out) {
    while (!query.empty()) {
        const auto [pair, rest] = split_at(query, '&');
        query = rest;
        if (pair.empty())
            continue;
        const auto [name, value] = split_at(pair, '=');
        auto decoded_name = percent_decode(name);
        auto decoded_value = percent_decode(value);
        if (!decoded_name || !decoded_value)
            return false;
        if (!out.query.emplace(std::move(*decoded_name), std::move(*decoded_value)).second)
            return false;
    }
    return true;
}

}  // namespace

std::string_view to_string(Method method) {
    static constexpr std::array<std::string_view, 5> names{"GET", "POST", "PUT", "DELETE", "?"};
    return names.at(static_cast<std::size_t>(method));
}

std::optional<Target> parse_target(std::string_view target) {
    if (!target.starts_with('/'))
        return std::nullopt;
    const auto [path, query] = split_at(target, '?');
    Target out;
    if (!parse_path(path, out) || !parse_query(query, out))
        return std::nullopt;
    return out;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    static constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

}  // namespace keepmq::admin
