#include <algorithm>
#include <boost/json/object.hpp>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

json::object plugin_json(const PluginStatus& plugin) {
    json::object out;
    out["name"] = json_text(plugin.name);
    out["description"] = json_text(plugin.description);
    out["active"] = plugin.active;
    out["conf_file"] = json_text(plugin.conf_file);
    out["error"] = json_text(plugin.error);
    return out;
}

Reply list_plugins(Source& source, const Request&) {
    json::array plugins;
    for (const auto& plugin : source.plugins()) plugins.push_back(plugin_json(plugin));
    json::object item;
    item["node"] = json_text(source.status().node);
    item["plugins"] = std::move(plugins);
    return data_reply(json::array{std::move(item)});
}

using Change = Done (Source::*)(std::string_view name);

template <Change change>
Reply change_plugin(Source& source, const Request& request) {
    const auto& name = request.captured[0];
    const auto plugins = source.plugins();
    if (std::ranges::find(plugins, name, &PluginStatus::name) == plugins.end())
        return not_found("no such plugin");
    return done_reply((source.*change)(name));
}

constexpr Route routes[] = {
    {Method::get, "/api/v4/plugins", "list_plugins", "Plugins, loaded or not", list_plugins},
    {Method::put,
     "/api/v4/plugins/:name/load",
     "load_plugin",
     "Starts a plugin",
     change_plugin<&Source::load_plugin>},
    {Method::put,
     "/api/v4/plugins/:name/unload",
     "unload_plugin",
     "Stops a plugin",
     change_plugin<&Source::unload_plugin>},
    {Method::put,
     "/api/v4/plugins/:name/reload",
     "reload_plugin",
     "Reads its file again and restarts it",
     change_plugin<&Source::reload_plugin>},
};

}  // namespace

std::span<const Route> plugins_routes() {
    return routes;
}

}  // namespace keepmq::admin
