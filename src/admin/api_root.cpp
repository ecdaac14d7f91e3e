#include <boost/json/object.hpp>
#include <utility>

#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "/api/v4";

Reply list_routes(Source&, const Request&) {
    json::array items;
    for (const auto& route : all_routes()) {
        if (!route.path.starts_with(prefix) || route.path == prefix)
            continue;
        json::object item;
        item["name"] = route.name;
        item["method"] = to_string(route.method);
        item["path"] = route.path.substr(prefix.size());
        item["descr"] = route.description;
        items.push_back(std::move(item));
    }
    return data_reply(std::move(items));
}

constexpr Route routes[] = {
    {Method::get, prefix, "list_routes", "The routes of this interface", list_routes},
};

}  // namespace

std::span<const Route> root_routes() {
    return routes;
}

}  // namespace keepmq::admin
