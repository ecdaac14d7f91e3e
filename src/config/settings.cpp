// File, environment and command line, put together and checked.

#include "config/settings.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "config/plugin_conf.hpp"
#include "config/section.hpp"

namespace keepmq::config {
namespace {

namespace fs = std::filesystem;

bool is_secret(std::string_view key) {
    return key.ends_with("password");
}

const Key* find(std::string_view name) {
    const auto& keys = all_keys();
    const auto found = std::ranges::find(keys, name, &Key::name);
    return found == keys.end() ? nullptr : &*found;
}

std::string guess(std::string_view key) {
    std::vector<std::string_view> names;
    for (const auto& one : known_keys()) names.push_back(one.key);
    names.emplace_back("listener.tcp.external");
    if (const auto near = nearest(key, names))
        return "did you mean " + *near + '?';
    constexpr std::string_view backend = "backend.";
    if (!key.starts_with(backend))
        return "docs/configuration.md lists all";
    const auto kind = key.substr(backend.size(), key.find('.', backend.size()) - backend.size());
    return "pools and rules are in plugins/emqx_backend_" + std::string{kind} + ".conf";
}

/// In EMQ X these close the door; here nothing stands behind them, which must not pass unnoticed.
bool closes_the_door(const Override& line) {
    return ((line.key == "allow_anonymous" || line.key == "zone.external.allow_anonymous") &&
            line.value == "false") ||
           (line.key == "acl_nomatch" && line.value == "deny");
}

void apply(const Override& line, Settings& settings, Diagnostics& diagnostics) {
    if (read_listener(line, settings, diagnostics))
        return;
    if (const auto* key = find(line.key)) {
        const auto wanted = key->set(settings, line.value, line.origin);
        if (wanted.empty())
            return;
        diagnostics.error(line.origin,
                          line.key,
                          is_secret(line.key) ? std::string{"the value cannot be used"}
                                              : "cannot be \"" + printable(line.value) + '"',
                          "expected " + wanted);
    } else if (closes_the_door(line)) {
        diagnostics.error(line.origin,
                          line.key,
                          "clients are not authenticated in this version",
                          "the broker would admit everyone: remove the line if that is intended");
    } else if (const auto reason = foreign_key(line.key)) {
        diagnostics.warning(line.origin, line.key, "has no effect here", *reason);
    } else {
        diagnostics.error(line.origin, line.key, "unknown key", guess(line.key));
    }
}

fs::path absolute(const std::string& path) {
    std::error_code ignored;
    auto full = fs::absolute(path, ignored).lexically_normal();
    return full.empty() ? fs::path{path} : full;
}

/// `base / path`, or `path` when it is absolute already.
std::string placed(const fs::path& base, const std::string& path) {
    auto full = (base / path).lexically_normal();
    if (!full.has_filename())
        full = full.parent_path();  // a trailing slash
    return full.string();
}

void place_paths(const std::string& conf_file, Settings& settings) {
    auto folder = absolute(".");
    auto above = folder;
    if (!conf_file.empty()) {
        const auto file = absolute(conf_file);
        settings.conf_file = file.string();
        folder = file.parent_path();
        above = folder.parent_path();
    }
    settings.node.data_dir = placed(above, settings.node.data_dir);
    settings.plugins.etc_dir = placed(folder, settings.plugins.etc_dir);
    if (!settings.ports_file.empty())
        settings.ports_file = placed(above, settings.ports_file);
}

void check_listeners(Settings& settings, Diagnostics& diagnostics) {
    std::set<std::pair<std::string, std::uint16_t>> taken;
    for (const auto& listener : settings.listeners) {
        const auto key = "listener.tcp." + listener.name;
        const auto& at = listener.endpoint;
        if (at.origin.file.empty())
            diagnostics.error(listener.origin, key, "the listener has no address", "set " + key);
        else if (at.port != 0 && !taken.emplace(at.host, at.port).second)
            diagnostics.error(at.origin, key, "another listener has the same address", "");
    }
    if (settings.listeners.empty())
        settings.listeners.push_back({"external", {"localhost", 1883, {"default", 0}}});
}

void check_admin(const Admin& admin, Diagnostics& diagnostics) {
    if (!admin.enabled)
        return;
    if (admin.login.empty() != admin.password.empty()) {
        const bool no_login = admin.login.empty();
        diagnostics.error(
            admin.login_origin,
            no_login ? "dashboard.default_user.login" : "dashboard.default_user.password",
            "is missing",
            "login and password go together");
    } else if (admin.login.empty() && !is_loopback(admin.endpoint)) {
        diagnostics.error(admin.endpoint.origin,
                          "dashboard.listener.http",
                          "an address that others can reach needs a login",
                          "set dashboard.default_user.login and .password, or listen on 127.0.0.1");
    }
}

Settings settled(const std::vector<ConfLine>& lines,
                 const std::string& path,
                 const std::vector<Override>& overrides,
                 Diagnostics& diagnostics) {
    Settings settings;
    for (const auto& line : lines)
        apply({line.key, line.value, line.origin}, settings, diagnostics);
    for (const auto& line : overrides) apply(line, settings, diagnostics);
    place_paths(path, settings);
    check_listeners(settings, diagnostics);
    check_admin(settings.admin, diagnostics);
    return settings;
}

/// What identifies a listener, its options included.
std::string listener_text(const Listener& listener) {
    const auto& [host, port, ignored] = listener.endpoint;
    return host + ' ' + std::to_string(port) + ' ' + std::to_string(listener.max_connections);
}

bool is_read_at_start_only(std::string_view key) {
    return (key.starts_with("node.") && key != "node.shutdown_deadline") ||
           key.starts_with("dashboard.") || key == "plugins.etc_dir";
}

}  // namespace

std::vector<std::string> keys_for_next_start(const Settings& running, const Settings& fresh) {
    auto before = running;
    auto after = fresh;
    std::vector<std::string> changed;
    for (const auto& key : all_keys())
        if (is_read_at_start_only(key.name) && key.get(before) != key.get(after))
            changed.push_back(key.name);
    std::map<std::string, std::string> listeners;
    for (const auto& each : running.listeners) listeners[each.name] += listener_text(each);
    for (const auto& each : fresh.listeners) {
        auto& text = listeners[each.name];
        text = text == listener_text(each) ? std::string{} : "changed";
    }
    for (const auto& [name, text] : listeners)
        if (!text.empty())
            changed.push_back("listener.tcp." + name);
    return changed;
}

Settings load_settings(const std::string& path,
                       const std::vector<Override>& overrides,
                       Diagnostics& diagnostics) {
    const auto lines = path.empty() ? std::vector<ConfLine>{} : read_conf(path, diagnostics);
    return settled(lines, path, overrides, diagnostics);
}

Settings parse_settings(std::string_view text,
                        const std::string& path,
                        const std::vector<Override>& overrides,
                        Diagnostics& diagnostics) {
    return settled(parse_conf(text, path, diagnostics), path, overrides, diagnostics);
}

std::vector<Override> overrides_from_environment(const char* const* environment) {
    constexpr std::string_view prefix = "KEEPMQ_";
    std::vector<Override> overrides;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry{*environment};
        const auto equals = entry.find('=');
        const auto name = entry.substr(0, equals);
        // Every key has a dot. Others, such as KEEPMQ_PORT_1883_TCP that Kubernetes sets, are not
        // ours.
        if (equals == std::string_view::npos || !name.starts_with(prefix) ||
            name.find("__") == std::string_view::npos)
            continue;
        std::string key;
        for (std::size_t i = prefix.size(); i < name.size(); ++i) {
            const char c = name[i];
            if (name.substr(i, 2) == "__") {
                key += '.';
                ++i;
            } else {
                key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            }
        }
        overrides.push_back({std::move(key),
                             std::string{entry.substr(equals + 1)},
                             {"environment " + std::string{name}, 0}});
    }
    return overrides;
}

}  // namespace keepmq::config
