#include <boost/json/object.hpp>

#include "admin/json_text.hpp"
#include "admin/router.hpp"
#include "admin/session_json.hpp"

namespace keepmq::admin {
namespace {

Reply list_clients(Source& source, const Request& request) {
    return list_sessions(source, request, true);
}

Reply show_client(Source& source, const Request& request) {
    return show_session(source, request, true);
}

Reply kick_client(Source& source, const Request& request) {
    if (!source.kick(request.captured[0]))
        return not_found("no such client");
    return data_reply(boost::json::object{{"clientid", json_text(request.captured[0])}});
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/clients",
     "list_clients",
     "Connected clients",
     list_clients,
     default_max_limit},
    {Method::get,
     "/api/v4/clients/:clientid",
     "lookup_client",
     "One connected client",
     show_client},
    {Method::del,
     "/api/v4/clients/:clientid",
     "kickout_client",
     "Ends the connection of a client",
     kick_client},
};

}  // namespace

std::span<const Route> clients_routes() {
    return routes;
}

}  // namespace keepmq::admin
