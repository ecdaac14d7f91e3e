#include <boost/json/object.hpp>

#include "admin/figures.hpp"
#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object rule_json(const RuleStatus& rule) {
    json::object out;
    out["plugin"] = json_text(rule.plugin);
    out["name"] = json_text(rule.name);
    out["filter"] = json_text(rule.filter);
    out["action"] = json_text(rule.action);
    out["pool"] = json_text(rule.pool);
    for (const auto& figure : rule_figures()) out[figure.name] = rule.*figure.member;
    return out;
}

Reply list_rules(Source& source, const Request& request) {
    return slice_reply(source.rules(), request.paging, rule_json);
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/rules",
     "list_rules",
     "Rules and what became of their writes",
     list_rules,
     default_max_limit},
};

}  // namespace

std::span<const Route> rules_routes() {
    return routes;
}

}  // namespace keepmq::admin
