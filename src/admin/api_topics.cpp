#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

/// Large enough for all, small enough that adding an offset cannot overflow.
constexpr std::size_t everything = 1'000'000'000;

/// In one piece, since a filter must not be counted twice when subscriptions change between pages.
std::map<std::string, std::size_t> count_filters(Source& source) {
    std::map<std::string, std::size_t> counts;
    for (auto& subscription : source.subscriptions({}, 0, everything).items)
        ++counts[std::move(subscription.filter)];
    return counts;
}

json::object topic_json(const std::string& filter, const std::string& node, std::size_t count) {
    json::object out;
    out["topic"] = json_text(filter);
    out["node"] = json_text(node);
    out["subscriptions"] = count;
    return out;
}

Reply show_topic(Source& source, const Request& request) {
    const auto counts = count_filters(source);
    const auto found = counts.find(request.captured[0]);
    if (found == counts.end())
        return not_found("nobody is subscribed to this filter");
    return slice_reply(std::array{*found}, request.paging, [&](const auto& entry) {
        return topic_json(entry.first, source.status().node, entry.second);
    });
}

Reply list_topics(Source& source, const Request& request) {
    const auto counts = count_filters(source);
    const auto node = source.status().node;
    json::array items;
    auto entry = counts.begin();
    std::advance(entry,
                 static_cast<std::ptrdiff_t>(std::min(request.paging.offset(), counts.size())));
    for (; entry != counts.end() && items.size() < request.paging.limit; ++entry)
        items.push_back(topic_json(entry->first, node, entry->second));
    return page_reply(std::move(items), request.paging, counts.size());
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/topics",
     "list_topics",
     "Distinct topic filters",
     list_topics,
     default_max_limit},
    {Method::get,
     "/api/v4/topics/:topic",
     "show_topic",
     "One topic filter",
     show_topic,
     default_max_limit},
};

}  // namespace

std::span<const Route> topics_routes() {
    return routes;
}

}  // namespace keepmq::admin
