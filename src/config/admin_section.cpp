// dashboard.*: the names that EMQ X has for its administration interface.

#include "config/section.hpp"

namespace keepmq::config {
namespace {

std::string shown(const Endpoint& endpoint) {
    auto port = std::to_string(endpoint.port);
    if (endpoint.host.empty())
        return port;
    const bool brackets = endpoint.host.find(':') != std::string::npos;
    return (brackets ? '[' + endpoint.host + ']' : endpoint.host) + ':' + port;
}

Key listener() {
    return {
        "dashboard.listener.http",
        "address or off",
        "Administration interface (REST, metrics). Anything but a loopback address needs the two "
        "keys below.",
        [](Settings& settings, std::string_view value, const Origin& origin) -> std::string {
            settings.admin.enabled = value != "off" && value != "false";
            if (!settings.admin.enabled)
                return {};
            auto problem = read_endpoint(value, settings.admin.endpoint);
            settings.admin.endpoint.origin = origin;
            return problem.empty() ? problem : problem + ", or off";
        },
        [](Settings& settings) {
            return settings.admin.enabled ? shown(settings.admin.endpoint) : std::string{"off"};
        }};
}

/// Remembers where it was set.
Key login_key(std::string name, std::string meaning, const Member<std::string>& member) {
    auto key = text_key(std::move(name), std::move(meaning), member);
    key.set = [set = key.set](Settings& settings, std::string_view value, const Origin& origin) {
        settings.admin.login_origin = origin;
        return set(settings, value, origin);
    };
    return key;
}

}  // namespace

void add_admin_keys(std::vector<Key>& keys) {
    keys.push_back(listener());
    keys.push_back(login_key(
        "dashboard.default_user.login",
        "User name of the administration interface. Empty: no login.",
        [](Settings & s) -> auto& { return s.admin.login; }));
    keys.push_back(login_key(
        "dashboard.default_user.password", "Its password.", [](Settings & s) -> auto& {
            return s.admin.password;
        }));
}

}  // namespace keepmq::config
