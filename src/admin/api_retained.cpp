#include <boost/json/object.hpp>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"
#include "model/topic.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

/// A list leaves out payloads beyond this; the message itself, asked for by topic, has it.
constexpr std::size_t listed_payload_limit = 64UL * 1024;

json::object retained_json(const RetainedMessage& message, bool whole) {
    json::object out;
    out["topic"] = json_text(message.topic);
    out["qos"] = message.qos;
    out["from_clientid"] = json_text(message.from);
    out["msgid"] = json_text(message.id);
    out["publish_at"] = json_time(message.at);
    out["payload_bytes"] = message.payload.size();
    if (whole || message.payload.size() <= listed_payload_limit)
        add_payload(out, message.payload);
    return out;
}

Reply list_retained(Source& source, const Request& request) {
    std::string filter;
    if (const auto given = request.query.find("filter"); given != request.query.end()) {
        filter = given->second;
        if (!is_topic_filter(filter))
            return failure(400, Code::bad_topic, "filter is not a valid topic filter");
    }
    const auto found = source.retained(filter, request.paging.offset(), request.paging.limit);
    json::array items;
    for (const auto& message : found.items) items.push_back(retained_json(message, false));
    return page_reply(std::move(items), request.paging, found.total);
}

Reply show_retained(Source& source, const Request& request) {
    const auto& topic = request.captured[0];
    if (!is_topic_name(topic))
        return failure(400, Code::bad_topic, "not a valid topic name");
    const auto found = source.retained(topic, 0, 1);
    if (found.items.empty())
        return not_found("no retained message for this topic");
    return data_reply(json::array{retained_json(found.items[0], true)});
}

Reply delete_retained(Source& source, const Request& request) {
    const auto& topic = request.captured[0];
    if (!is_topic_name(topic))
        return failure(400, Code::bad_topic, "not a valid topic name");
    if (!source.delete_retained(topic))
        return not_found("no retained message for this topic");
    return data_reply(json::object{{"topic", json_text(topic)}});
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/retained",
     "list_retained",
     "Retained messages, of a filter or all",
     list_retained,
     payload_max_limit,
     "filter"},
    {Method::get,
     "/api/v4/retained/:topic",
     "lookup_retained",
     "The retained message of a topic",
     show_retained},
    {Method::del,
     "/api/v4/retained/:topic",
     "delete_retained",
     "Forgets the retained message of a topic",
     delete_retained},
};

}  // namespace

std::span<const Route> retained_routes() {
    return routes;
}

}  // namespace keepmq::admin
