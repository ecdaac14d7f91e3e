#include "hooks/variables.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "config/plugin_conf.hpp"

namespace keepmq::hooks {
namespace {

/// Which events have a value for a variable.
enum class Scope { every, reason, topic, qos, message };

struct Known {
    std::string_view name;
    Variable variable;
    Scope scope;
};

constexpr std::string_view json_prefix = "payload.json.";

constexpr std::array known{
    Known{"clientid", Variable::clientid, Scope::every},
    Known{"username", Variable::username, Scope::every},
    Known{"peerhost", Variable::peerhost, Scope::every},
    Known{"node", Variable::node, Scope::every},
    Known{"topic", Variable::topic, Scope::topic},
    Known{"qos", Variable::qos, Scope::qos},
    Known{"retain", Variable::retain, Scope::message},
    Known{"msgid", Variable::msgid, Scope::message},
    Known{"payload", Variable::payload, Scope::message},
    Known{"payload.text", Variable::payload_text, Scope::message},
    Known{"payload.hex", Variable::payload_hex, Scope::message},
    Known{"payload.base64", Variable::payload_base64, Scope::message},
    Known{"message", Variable::message, Scope::message},
    Known{"reason", Variable::reason, Scope::reason},
    Known{"ts", Variable::ts, Scope::every},
    Known{"timestamp", Variable::timestamp, Scope::every},
    Known{"ts_ms", Variable::ts_ms, Scope::every},
    Known{"ts_us", Variable::ts_us, Scope::every},
    Known{"ts_iso", Variable::ts_iso, Scope::every},
};

bool is_message(Hook hook) {
    return hook == Hook::message_publish || hook == Hook::message_delivered ||
           hook == Hook::message_acked;
}

bool available(Scope scope, Hook hook) {
    switch (scope) {
        case Scope::every:
            return true;
        case Scope::reason:
            return hook == Hook::client_disconnected || hook == Hook::session_terminated;
        case Scope::topic:
            return is_message(hook) || hook == Hook::session_subscribed ||
                   hook == Hook::session_unsubscribed;
        case Scope::qos:
            return is_message(hook) || hook == Hook::session_subscribed;
        case Scope::message:
            return is_message(hook);
    }
    return false;
}

std::string list_of(Hook hook) {
    std::string text{to_string(hook)};
    text += " has ";
    bool first = true;
    for (const auto name : variables_of(hook)) {
        if (!std::exchange(first, false))
            text += ", ";
        text += name;
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos)
        return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// Peer text is not shown here, only what the operator wrote; still, keep a message short.
std::string shown(std::string_view inside) {
    constexpr std::size_t longest = 60;
    std::string text{"`${"};
    text += config::printable(inside.substr(0, longest));
    return text + (inside.size() > longest ? "...}`" : "}`");
}

bool read_path(std::string_view path, std::vector<std::string>& out) {
    while (true) {
        const auto dot = path.find('.');
        const auto name = path.substr(0, dot);
        if (name.empty())
            return false;
        out.emplace_back(name);
        if (dot == std::string_view::npos)
            return true;
        path.remove_prefix(dot + 1);
    }
}

const Known* find(std::string_view name) {
    const auto* found = std::ranges::find(known, name, &Known::name);
    return found == known.end() ? nullptr : found;
}

VariableProblem unknown(std::string_view inside, std::string_view name, Hook hook) {
    VariableProblem problem{"unknown variable " + shown(inside), list_of(hook)};
    if (const auto near = config::nearest(name, variables_of(hook)))
        problem.hint = "did you mean ${" + *near + "}?";
    return problem;
}

}  // namespace

std::vector<std::string_view> variables_of(Hook hook) {
    std::vector<std::string_view> names;
    for (const auto& one : known) {
        if (available(one.scope, hook))
            names.push_back(one.name);
    }
    return names;
}

std::optional<Parameter> parse_variable(std::string_view inside,
                                        Hook hook,
                                        VariableProblem& problem) {
    Parameter parameter;
    parameter.source = "${" + std::string{inside} + '}';
    const auto separator = inside.find(":-");
    const auto name = trimmed(inside.substr(0, separator));
    if (separator != std::string_view::npos)
        parameter.fallback = std::string{inside.substr(separator + 2)};

    auto scope = Scope::message;
    if (name == "payload.json" || name.starts_with(json_prefix)) {
        const auto path = name.substr(std::min(name.size(), json_prefix.size()));
        parameter.variable = Variable::payload_json;
        if (!read_path(path, parameter.path)) {
            problem = {shown(inside) + " does not name a member of the payload",
                       "write ${payload.json.a.b} for the member b of the member a"};
            return std::nullopt;
        }
    } else if (const auto* one = find(name)) {
        parameter.variable = one->variable;
        scope = one->scope;
    } else {
        problem = unknown(inside, name, hook);
        return std::nullopt;
    }
    if (!available(scope, hook)) {
        problem = {shown(inside) + " has no value on " + std::string{to_string(hook)},
                   list_of(hook)};
        return std::nullopt;
    }
    return parameter;
}

}  // namespace keepmq::hooks
