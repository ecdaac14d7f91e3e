#pragma once
// The table of routes, and the way from a request to the resource that answers it.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "admin/reply.hpp"
#include "admin/request.hpp"
#include "admin/source.hpp"

namespace keepmq::admin {

struct Route {
    Method method = Method::get;
    std::string_view path;  ///< `/api/v4/clients/:clientid`
    std::string_view name;
    std::string_view description;
    Reply (*handle)(Source& source, const Request& request) = nullptr;
    std::size_t max_limit = 0;        ///< of one page; 0: not paged
    std::string_view parameter = {};  ///< a query parameter besides _page and _limit
};

inline constexpr std::size_t default_max_limit = 10'000;  // as EMQ X 4.x
/// For lists whose items carry payloads.
inline constexpr std::size_t payload_max_limit = 1'000;

[[nodiscard]] std::span<const Route> all_routes();

/// 400, 404, 405 or what the resource says.
[[nodiscard]] Reply answer(Source& source,
                           Method method,
                           std::string_view target,
                           std::string body);

// One file per resource.
[[nodiscard]] std::span<const Route> root_routes();
[[nodiscard]] std::span<const Route> status_routes();
[[nodiscard]] std::span<const Route> nodes_routes();
[[nodiscard]] std::span<const Route> stats_routes();
[[nodiscard]] std::span<const Route> clients_routes();
[[nodiscard]] std::span<const Route> sessions_routes();
[[nodiscard]] std::span<const Route> subscriptions_routes();
[[nodiscard]] std::span<const Route> topics_routes();
[[nodiscard]] std::span<const Route> retained_routes();
[[nodiscard]] std::span<const Route> plugins_routes();
[[nodiscard]] std::span<const Route> pools_routes();
[[nodiscard]] std::span<const Route> rules_routes();
[[nodiscard]] std::span<const Route> dead_letters_routes();
[[nodiscard]] std::span<const Route> mqtt_routes();
[[nodiscard]] std::span<const Route> listeners_routes();
[[nodiscard]] std::span<const Route> prometheus_routes();

}  // namespace keepmq::admin
