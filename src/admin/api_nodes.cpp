// `brokers` and `nodes`: two views of the one node there is.
#include <boost/json/object.hpp>
#include <utility>

#include "admin/figures.hpp"
#include "admin/json_text.hpp"
#include "admin/router.hpp"
#include "base/time.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object common_json(const Status& status) {
    json::object out;
    out["node"] = json_text(status.node);
    out["node_status"] = "Running";
    out["version"] = json_text(status.version);
    out["uptime"] = uptime_text(status.uptime);
    out["uptime_seconds"] = status.uptime.count();
    return out;
}

json::object broker_json(const Status& status) {
    auto out = common_json(status);
    out["sysdescr"] = "KeepMQ";
    out["shards"] = status.shards;
    out["datetime"] = iso_time(read_clocks().wall);
    const auto& kept = status.persistence;
    json::object persistence{{"on", kept.on}};
    for (const auto& figure : persistence_figures()) persistence[figure.name] = kept.*figure.member;
    persistence["last_error"] = json_text(kept.last_error);
    out["persistence"] = std::move(persistence);
    return out;
}

json::object node_json(const Status& status, const broker::Stats& stats) {
    auto out = common_json(status);
    out["name"] = json_text(status.node);
    out["connections"] = stats.connections;
    out["paused_connections"] = status.paused_connections;
    out["memory_used"] = status.rss_bytes;
    out["shards"] = status.shards;
    return out;
}

Reply list_brokers(Source& source, const Request&) {
    return data_reply(json::array{broker_json(source.status())});
}

Reply show_broker(Source& source, const Request& request) {
    const auto status = source.status();
    if (request.captured[0] != status.node)
        return not_found("no such node");
    return data_reply(broker_json(status));
}

Reply list_nodes(Source& source, const Request&) {
    return data_reply(json::array{node_json(source.status(), source.stats())});
}

Reply show_node(Source& source, const Request& request) {
    const auto status = source.status();
    if (request.captured[0] != status.node)
        return not_found("no such node");
    return data_reply(node_json(status, source.stats()));
}

constexpr Route routes[] = {
    {Method::get, "/api/v4/brokers", "list_brokers", "Version, node and uptime", list_brokers},
    {Method::get, "/api/v4/brokers/:node", "get_broker", "The same of one node", show_broker},
    {Method::get, "/api/v4/nodes", "list_nodes", "Load and memory", list_nodes},
    {Method::get, "/api/v4/nodes/:node", "get_node", "The same of one node", show_node},
};

}  // namespace

std::span<const Route> nodes_routes() {
    return routes;
}

}  // namespace keepmq::admin
