// `stats` are the gauges, `metrics` the counters.
#include <boost/json/object.hpp>
#include <utility>

#include "admin/figures.hpp"
#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object figures_json(const broker::Stats& stats, Kind kind) {
    json::object out;
    for (const auto& figure : broker_figures()) {
        if (figure.kind == kind)
            out[figure.name] = stats.*figure.member;
    }
    return out;
}

Reply of_node(const Status& status, std::string_view name, json::object figures) {
    json::object item;
    item["node"] = json_text(status.node);
    item[name] = std::move(figures);
    return data_reply(json::array{std::move(item)});
}

Reply list_stats(Source& source, const Request&) {
    const auto status = source.status();
    auto figures = figures_json(source.stats(), Kind::gauge);
    figures["connections.paused"] = status.paused_connections;
    figures["dead_letters.count"] = source.dead_letter_count();
    return of_node(status, "stats", std::move(figures));
}

Reply list_metrics(Source& source, const Request&) {
    const auto status = source.status();
    auto figures = figures_json(source.stats(), Kind::counter);
    figures["bytes.received"] = status.bytes_received;
    figures["bytes.sent"] = status.bytes_sent;
    return of_node(status, "metrics", std::move(figures));
}

constexpr Route routes[] = {
    {Method::get, "/api/v4/stats", "list_stats", "Gauges", list_stats},
    {Method::get, "/api/v4/metrics", "list_metrics", "Counters since the start", list_metrics},
};

}  // namespace

std::span<const Route> stats_routes() {
    return routes;
}

}  // namespace keepmq::admin
