#include "admin/router.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace keepmq::admin {
namespace {

/// The captured segments if the path fits the pattern.
std::optional<std::vector<std::string>> fit(std::string_view pattern,
                                            const std::vector<std::string>& segments) {
    std::vector<std::string> captured;
    pattern.remove_prefix(1);
    for (const auto& segment : segments) {
        if (pattern.empty())
            return std::nullopt;
        const auto part = pattern.substr(0, pattern.find('/'));
        if (part.starts_with(':'))
            captured.push_back(segment);
        else if (part != segment)
            return std::nullopt;
        pattern.remove_prefix(std::min(pattern.size(), part.size() + 1));
    }
    if (!pattern.empty())
        return std::nullopt;
    return captured;
}

/// From 1 to a billion, so that page times limit cannot overflow.
std::optional<std::size_t> parse_count(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 1 ||
        value > 1'000'000'000)
        return std::nullopt;
    return value;
}

std::optional<Reply> check_query(const Route& route, Request& request) {
    request.paging.limit = route.max_limit;
    for (const auto& [name, value] : request.query) {
        const bool is_page = name == "_page";
        if (route.max_limit != 0 && (is_page || name == "_limit")) {
            const auto count = parse_count(value);
            if (!count)
                return bad_parameter(name + " must be a whole number from 1");
            if (is_page)
                request.paging.page = *count;
            else
                request.paging.limit = std::min(*count, route.max_limit);
        } else if (route.parameter.empty() || name != route.parameter) {
            return bad_parameter("unknown parameter: " + name);
        }
    }
    return std::nullopt;
}

std::vector<Route> collect_routes() {
    std::vector<Route> all;
    for (const auto routes : {root_routes(),
                              status_routes(),
                              nodes_routes(),
                              stats_routes(),
                              clients_routes(),
                              sessions_routes(),
                              subscriptions_routes(),
                              topics_routes(),
                              retained_routes(),
                              plugins_routes(),
                              pools_routes(),
                              rules_routes(),
                              dead_letters_routes(),
                              mqtt_routes(),
                              listeners_routes(),
                              prometheus_routes()})
        all.insert(all.end(), routes.begin(), routes.end());
    return all;
}

}  // namespace

std::span<const Route> all_routes() {
    static const std::vector<Route> routes = collect_routes();
    return routes;
}

Reply answer(Source& source, Method method, std::string_view target, std::string body) {
    auto parsed = parse_target(target);
    if (!parsed)
        return bad_parameter("the request target is malformed");
    std::string allow;
    for (const auto& route : all_routes()) {
        auto captured = fit(route.path, parsed->segments);
        if (!captured)
            continue;
        if (route.method != method) {
            allow += (allow.empty() ? "" : ", ") + std::string{to_string(route.method)};
            continue;
        }
        Request request{.method = method,
                        .captured = std::move(*captured),
                        .query = std::move(parsed->query),
                        .paging = {},
                        .body = std::move(body)};
        if (auto refusal = check_query(route, request))
            return *std::move(refusal);
        return route.handle(source, request);
    }
    if (allow.empty())
        return not_found("no such resource");
    auto reply = failure(405, Code::bad_parameter, "this resource allows " + allow);
    reply.allow = std::move(allow);
    return reply;
}

}  // namespace keepmq::admin
