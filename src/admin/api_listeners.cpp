#include <boost/json/object.hpp>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object listener_json(const ListenerStatus& listener) {
    json::object out;
    out["name"] = json_text(listener.name);
    out["protocol"] = json_text(listener.name.substr(0, listener.name.find(':')));
    out["listen_on"] = json_text(listener.address);
    out["current_conns"] = listener.connections;
    out["max_conns"] = listener.max_connections;
    out["accepted"] = listener.accepted;
    return out;
}

Reply list_listeners(Source& source, const Request&) {
    const auto status = source.status();
    json::array listeners;
    for (const auto& listener : status.listeners) listeners.push_back(listener_json(listener));
    json::object item;
    item["node"] = json_text(status.node);
    item["listeners"] = std::move(listeners);
    return data_reply(json::array{std::move(item)});
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/listeners",
     "list_listeners",
     "Listeners for MQTT clients",
     list_listeners},
};

}  // namespace

std::span<const Route> listeners_routes() {
    return routes;
}

}  // namespace keepmq::admin
