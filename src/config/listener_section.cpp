// listener.*, and the address forms that listeners share with the dashboard.

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/plugin_conf.hpp"
#include "config/section.hpp"

namespace keepmq::config {
namespace {

constexpr std::string_view expected =
    "a port or an address with one, such as 1883, "
    "127.0.0.1:1883, [::1]:1883 or localhost:1883";

bool is_address(int family, std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return inet_pton(family, std::string{text}.c_str(), ignored.data()) == 1;
}

bool read_host(std::string_view text, std::string& host) {
    const bool brackets = text.starts_with('[') && text.ends_with(']') && text.size() > 2;
    if (brackets)
        text = text.substr(1, text.size() - 2);
    if (text != "localhost" && !is_address(brackets ? AF_INET6 : AF_INET, text))
        return false;
    if (brackets && text == "localhost")
        return false;
    host = std::string{text};
    return true;
}

bool read_port(std::string_view text, std::uint16_t& port) {
    const auto* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, port);
    return failed == std::errc{} && stop == end && !text.empty();
}

Listener& listener(Settings& settings, std::string_view name, const Origin& origin) {
    const auto found = std::ranges::find(settings.listeners, name, &Listener::name);
    if (found != settings.listeners.end())
        return *found;
    return settings.listeners.emplace_back(
        Listener{std::string{name}, {}, Listener{}.max_connections, origin});
}

void error(const Override& line, std::string_view wanted, Diagnostics& diagnostics) {
    diagnostics.error(line.origin,
                      line.key,
                      "cannot be \"" + printable(line.value) + '"',
                      "expected " + std::string{wanted});
}

/// `name` has no dot: `external`, `external.max_connections`.
void read_option(std::string_view name,
                 std::string_view option,
                 const Override& line,
                 Settings& settings,
                 Diagnostics& diagnostics) {
    static const std::vector<std::string_view> options{"max_connections"};
    if (option == "max_connections") {
        const auto count = parse_count(line.value);
        if (!count || !*count || **count > 100'000'000)
            error(line, "a number from 1 to 100000000", diagnostics);
        else
            listener(settings, name, line.origin).max_connections =
                static_cast<std::size_t>(**count);
    } else if (const auto reason = foreign_key(line.key)) {
        diagnostics.warning(line.origin, line.key, "has no effect here", *reason);
    } else {
        const auto near = nearest(option, options);
        diagnostics.error(line.origin,
                          line.key,
                          "unknown key",
                          near
                              ? "did you mean listener.tcp." + std::string{name} + '.' + *near + '?'
                              : std::string{});
    }
}

}  // namespace

std::string read_endpoint(std::string_view text, Endpoint& endpoint) {
    const auto colon = text.rfind(':');
    std::string host;
    std::uint16_t port = 0;
    const bool has_host = colon != std::string_view::npos;
    if ((has_host && !read_host(text.substr(0, colon), host)) ||
        !read_port(has_host ? text.substr(colon + 1) : text, port))
        return std::string{expected};
    endpoint.host = std::move(host);
    endpoint.port = port;
    return {};
}

bool is_loopback(const Endpoint& endpoint) {
    return endpoint.host == "localhost" || endpoint.host == "::1" ||
           endpoint.host.starts_with("127.");
}

bool read_listener(const Override& line, Settings& settings, Diagnostics& diagnostics) {
    constexpr std::string_view prefix = "listener.tcp.";
    if (!line.key.starts_with(prefix))
        return false;
    const auto rest = std::string_view{line.key}.substr(prefix.size());
    const auto dot = rest.find('.');
    const auto name = rest.substr(0, dot);
    if (name.empty()) {
        diagnostics.error(
            line.origin, line.key, "the listener has no name", "for example listener.tcp.external");
    } else if (dot != std::string_view::npos) {
        read_option(name, rest.substr(dot + 1), line, settings, diagnostics);
    } else {
        auto& one = listener(settings, name, line.origin);
        one.endpoint.origin = line.origin;
        if (const auto problem = read_endpoint(line.value, one.endpoint); !problem.empty())
            error(line, problem, diagnostics);
    }
    return true;
}

}  // namespace keepmq::config
