#include "store/pool_conf.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace keepmq::store {
namespace {

std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{})
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return number;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Neither an IPv6 address nor a URL.
bool is_name(std::string_view text) {
    static constexpr std::string_view wrong = ":/\\@[](){}<>\"'%?#";
    return !text.empty() && std::ranges::none_of(text, [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || wrong.find(c) != std::string_view::npos;
    });
}

/// A name, an IPv4 address, or an IPv6 address without its brackets: `fe80::1%eth0`.
bool is_host(std::string_view text) {
    if (text.find(':') == std::string_view::npos)
        return is_name(text);
    const auto scope = text.find('%');
    return text.substr(0, scope).find_first_not_of("0123456789abcdefABCDEF:.") ==
               std::string_view::npos &&
           (scope == std::string_view::npos || is_name(text.substr(scope + 1)));
}

std::optional<Server> parse_server(std::string_view text, std::uint16_t default_port) {
    Server server{{}, default_port};
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos)
            return std::nullopt;
        server.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        const auto colon = text.find(':');
        // More than one colon: an IPv6 address without brackets has no port.
        const bool bare = colon != std::string_view::npos && colon != text.rfind(':');
        server.host = bare ? text : text.substr(0, colon);
        port = bare || colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (!is_host(server.host))
        return std::nullopt;
    if (port.empty())
        return server;
    if (!port.starts_with(':'))
        return std::nullopt;
    port.remove_prefix(1);
    const auto number = take_number(port);
    if (!number || !port.empty() || *number < 1 || *number > 65'535)
        return std::nullopt;
    server.port = static_cast<std::uint16_t>(*number);
    return server;
}

}  // namespace

std::string to_string(const Server& server) {
    return server.host.find(':') == std::string::npos
               ? fmt::format("{}:{}", server.host, server.port)
               : fmt::format("[{}]:{}", server.host, server.port);
}

std::optional<std::vector<Server>> parse_servers(std::string_view text,
                                                 std::uint16_t default_port) {
    std::vector<Server> servers;
    while (true) {
        const auto comma = text.find(',');
        auto server = parse_server(trim(text.substr(0, comma)), default_port);
        if (!server)
            return std::nullopt;
        servers.push_back(*std::move(server));
        if (comma == std::string_view::npos)
            return servers;
        text.remove_prefix(comma + 1);
    }
}

const PoolConf::Entry* PoolConfReader::find(std::string_view property) const {
    const auto found = conf_.entries.find(property);
    return found == conf_.entries.end() ? nullptr : &found->second;
}

std::string PoolConfReader::key(std::string_view property) const {
    const auto* const entry = find(property);
    return entry == nullptr || entry->key.empty()
               ? fmt::format("backend.{}.{}.{}", conf_.kind, conf_.name, property)
               : entry->key;
}

void PoolConfReader::refuse(std::string_view property, std::string message, std::string hint) {
    ok_ = false;
    const auto* const entry = find(property);
    diagnostics_.error(entry == nullptr ? Origin{} : entry->origin,
                       key(property),
                       std::move(message),
                       std::move(hint));
}

void PoolConfReader::number(std::string_view property,
                            std::size_t lowest,
                            std::size_t highest,
                            std::size_t& value) {
    const auto* const entry = find(property);
    if (entry == nullptr)
        return;
    std::string_view text = entry->value;
    const auto number = take_number(text);
    if (!number || !text.empty() || *number < static_cast<std::int64_t>(lowest) ||
        *number > static_cast<std::int64_t>(highest))
        return refuse(
            property,
            fmt::format("`{}` is not a whole number from {} to {}", entry->value, lowest, highest));
    value = static_cast<std::size_t>(*number);
}

void PoolConfReader::duration(std::string_view property, std::chrono::milliseconds& value) {
    const auto* const entry = find(property);
    if (entry == nullptr)
        return;
    std::string_view text = entry->value;
    const auto number = take_number(text);
    const bool seconds = text == "s";
    if (!number || *number < 0 || *number > 3'600'000 || !(seconds || text == "ms" || text.empty()))
        return refuse(
            property, fmt::format("`{}` is not a duration", entry->value), "write 5s or 500ms");
    value = std::chrono::milliseconds{seconds ? *number * 1000 : *number};
}

void PoolConfReader::timeouts(std::chrono::milliseconds& connect, std::chrono::milliseconds& read) {
    const auto one = [&](std::string_view property, std::chrono::milliseconds& value) {
        duration(property, value);
        if (value.count() == 0)
            refuse(property, "a time-out of zero lets nothing through", "write 5s or 500ms");
    };
    one("connect_timeout", connect);
    one("read_timeout", read);
}

void PoolConfReader::flag(std::string_view property, bool& value) {
    const auto* const entry = find(property);
    if (entry == nullptr)
        return;
    const std::string_view text = entry->value;
    const bool on = text == "on" || text == "true";
    if (!on && text != "off" && text != "false")
        return refuse(property, fmt::format("`{}` is neither on nor off", text));
    value = on;
}

void PoolConfReader::choice(std::string_view property,
                            std::span<const std::string_view> words,
                            std::size_t& value) {
    const auto* const entry = find(property);
    if (entry == nullptr)
        return;
    const auto found = std::ranges::find(words, entry->value);
    if (found == words.end())
        return refuse(property,
                      fmt::format("`{}` is not one of {}", entry->value, fmt::join(words, ", ")));
    value = static_cast<std::size_t>(found - words.begin());
}

void PoolConfReader::text(std::string_view property, std::string& value) {
    if (const auto* const entry = find(property))
        value = entry->value;
}

void PoolConfReader::servers(std::string_view property,
                             std::uint16_t default_port,
                             std::vector<Server>& value) {
    const auto* const entry = find(property);
    if (entry == nullptr)
        return;
    auto parsed = parse_servers(entry->value, default_port);
    if (!parsed)
        return refuse(property,
                      fmt::format("`{}` is not a list of servers", entry->value),
                      fmt::format("write host:{0} or host1:{0},[::1]:{0}", default_port));
    value = *std::move(parsed);
}

void PoolConfReader::file(std::string_view property, std::string& value) {
    const auto* const entry = find(property);
    if (entry == nullptr || entry->value.empty())
        return;
    const auto path = std::filesystem::path{conf_.conf_dir} / entry->value;
    if (!std::ifstream{path})
        return refuse(property, fmt::format("`{}` cannot be read", path.string()));
    value = path.string();
}

void PoolConfReader::tls(Tls& value) {
    constexpr std::array<std::string_view, 2> modes{"verify_none", "verify_peer"};
    flag("ssl", value.enabled);
    file("cacertfile", value.ca_file);
    file("certfile", value.cert_file);
    file("keyfile", value.key_file);
    std::size_t mode = value.ca_file.empty() ? 0 : 1;
    choice("verify", modes, mode);
    value.verify = mode == 1;
}

void PoolConfReader::warn_of_unknown(std::span<const std::string_view> known) {
    for (const auto& [property, entry] : conf_.entries) {
        if (std::ranges::find(known, property) == known.end())
            diagnostics_.warning(entry.origin,
                                 key(property),
                                 "unknown setting, it is ignored",
                                 fmt::format("known are {}", fmt::join(known, ", ")));
    }
}

}  // namespace keepmq::store
