#include <boost/json/object.hpp>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"
#include "admin/session_json.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object subscription_json(const broker::SubscriptionSnapshot& subscription) {
    json::object out;
    out["clientid"] = json_text(subscription.client.view());
    out["topic"] = json_text(subscription.filter);
    out["qos"] = static_cast<int>(subscription.qos);
    out["nl"] = subscription.no_local;
    out["rap"] = subscription.retain_as_published;
    out["rh"] = subscription.retain_handling;
    return out;
}

Reply list_of(Source& source, std::string_view client, const Paging& paging) {
    const auto found = source.subscriptions(client, paging.offset(), paging.limit);
    json::array items;
    for (const auto& subscription : found.items) items.push_back(subscription_json(subscription));
    return page_reply(std::move(items), paging, found.total);
}

Reply list_subscriptions(Source& source, const Request& request) {
    return list_of(source, {}, request.paging);
}

Reply list_of_client(Source& source, const Request& request) {
    const auto& client = request.captured[0];
    if (!session_exists(source, client, false))
        return not_found("no such session");
    return list_of(source, client, request.paging);
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/subscriptions",
     "list_subscriptions",
     "All subscriptions",
     list_subscriptions,
     default_max_limit},
    {Method::get,
     "/api/v4/subscriptions/:clientid",
     "lookup_subscriptions",
     "Subscriptions of one client",
     list_of_client,
     default_max_limit},
};

}  // namespace

std::span<const Route> subscriptions_routes() {
    return routes;
}

}  // namespace keepmq::admin
