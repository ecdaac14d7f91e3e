#include "admin/router.hpp"
#include "admin/session_json.hpp"

namespace keepmq::admin {
namespace {

Reply list_all(Source& source, const Request& request) {
    return list_sessions(source, request, false);
}

Reply show_one(Source& source, const Request& request) {
    return show_session(source, request, false);
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/sessions",
     "list_sessions",
     "Sessions, connected or not",
     list_all,
     default_max_limit},
    {Method::get,
     "/api/v4/sessions/:clientid",
     "lookup_session",
     "The session of one client",
     show_one},
};

}  // namespace

std::span<const Route> sessions_routes() {
    return routes;
}

}  // namespace keepmq::admin
