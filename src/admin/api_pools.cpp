#include <boost/json/object.hpp>

#include "admin/figures.hpp"
#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object pool_json(const PoolStatus& pool) {
    json::object out;
    out["plugin"] = json_text(pool.plugin);
    out["kind"] = json_text(pool.kind);
    out["name"] = json_text(pool.name);
    out["state"] = json_text(pool.state);
    out["durability"] = json_text(pool.durability);
    out["last_error"] = json_text(pool.last_error);
    out["spool"] = json_text(pool.spool);
    out["spool_error"] = json_text(pool.spool_error);
    out["lane_depths"] = json::array(pool.lane_depths.begin(), pool.lane_depths.end());
    for (const auto& figure : pool_figures()) out[figure.name] = pool.*figure.member;
    out["batch_size_p50"] = pool.batch_size_p50;
    out["batch_size_p99"] = pool.batch_size_p99;
    out["commit_micros_p50"] = pool.commit_micros_p50;
    out["commit_micros_p99"] = pool.commit_micros_p99;
    out["wait_micros_p50"] = pool.wait_micros_p50;
    out["wait_micros_p99"] = pool.wait_micros_p99;
    return out;
}

Reply list_pools(Source& source, const Request& request) {
    return slice_reply(source.pools(), request.paging, pool_json);
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/pools",
     "list_pools",
     "Database pools: state, counts, latencies",
     list_pools,
     default_max_limit},
};

}  // namespace

std::span<const Route> pools_routes() {
    return routes;
}

}  // namespace keepmq::admin
