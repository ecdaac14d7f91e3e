// Subscribes and unsubscribes a connected client.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "admin/router.hpp"
#include "admin/session_json.hpp"
#include "model/topic.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

struct Order {
    std::string client;
    std::string filter;
    int qos = 0;
};

std::optional<std::string> text_member(const json::object& body, std::string_view name) {
    const auto* value = body.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
        return std::nullopt;
    return std::string{std::string_view{value->get_string()}};
}

bool is_subscribable(std::string_view filter) {
    const auto shared = split_shared(filter);
    return filter.size() <= 65'535 && is_mqtt_utf8(filter) && shared.valid &&
           is_topic_filter(shared.filter);
}

std::variant<Order, Reply> parse_order(const std::string& text) {
    boost::system::error_code error;
    const auto parsed = json::parse(text, error);
    if (error || !parsed.is_object())
        return bad_parameter("the body must be a JSON object");
    const auto& body = parsed.get_object();
    auto client = text_member(body, "clientid");
    auto filter = text_member(body, "topic");
    if (!client || !filter)
        return failure(400, Code::missing_parameter, "clientid and topic are needed, as texts");
    if (!is_subscribable(*filter))
        return failure(400, Code::bad_topic, "topic is not a valid topic filter");
    Order order{.client = std::move(*client), .filter = std::move(*filter)};
    if (const auto* qos = body.if_contains("qos")) {
        const auto* number = qos->if_int64();
        if (number == nullptr || *number < 0 || *number > 2)
            return bad_parameter("qos must be 0, 1 or 2");
        order.qos = static_cast<int>(*number);
    }
    return order;
}

template <class Action>
Reply carry_out(Source& source, const Request& request, Action action) {
    auto parsed = parse_order(request.body);
    if (auto* refusal = std::get_if<Reply>(&parsed))
        return std::move(*refusal);
    const auto& order = std::get<Order>(parsed);
    if (!session_exists(source, order.client, true))
        return not_found("no such client");
    return done_reply(action(order));
}

Reply subscribe(Source& source, const Request& request) {
    return carry_out(source, request, [&](const Order& order) {
        return source.subscribe(order.client, order.filter, order.qos);
    });
}

Reply unsubscribe(Source& source, const Request& request) {
    return carry_out(source, request, [&](const Order& order) {
        return source.unsubscribe(order.client, order.filter);
    });
}

constexpr Route routes[] = {
    {Method::post,
     "/api/v4/mqtt/subscribe",
     "mqtt_subscribe",
     "Subscribes a connected client",
     subscribe},
    {Method::post,
     "/api/v4/mqtt/unsubscribe",
     "mqtt_unsubscribe",
     "Unsubscribes a connected client",
     unsubscribe},
};

}  // namespace

std::span<const Route> mqtt_routes() {
    return routes;
}

}  // namespace keepmq::admin
