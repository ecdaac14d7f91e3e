#pragma once
// Rule sets out of the text of a configuration file.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/plugin_conf.hpp"
#include "hooks/rules.hpp"

namespace keepmq::hooks {

inline store::BackendDescriptor database(std::string_view kind = "mysql",
                                         std::string_view member = "sql") {
    store::BackendDescriptor descriptor{};
    descriptor.kind = kind;
    descriptor.pool_kind = kind == "cassa" ? "ecql" : kind;
    descriptor.statement_member = member;
    descriptor.pool_properties = {"server",
                                  "pool_size",
                                  "user",
                                  "username",
                                  "password",
                                  "database",
                                  "ssl",
                                  "type",
                                  "channel",
                                  "nodes",
                                  "size",
                                  "auto_reconnect",
                                  "keyspace",
                                  "logger"};
    return descriptor;
}

struct Loaded {
    std::shared_ptr<const RuleSet> rules;
    std::vector<std::string> problems;
};

inline config::PluginConfOptions options_of(const store::BackendDescriptor& descriptor) {
    return {descriptor.kind,
            descriptor.pool_kind,
            descriptor.statement_member,
            descriptor.pool_properties};
}

inline Loaded compiled(config::PluginConf conf,
                       const store::BackendDescriptor& descriptor,
                       Diagnostics& diagnostics) {
    Loaded loaded;
    loaded.rules = RuleSet::compile(conf, descriptor, "keepmq@host", diagnostics);
    for (const auto& one : diagnostics.all()) loaded.problems.push_back(one.to_string());
    return loaded;
}

inline Loaded load_text(const std::string& text,
                        const store::BackendDescriptor& descriptor = database(),
                        const std::string& file = "f") {
    Diagnostics diagnostics;
    auto conf = config::parse_plugin_conf(text, file, options_of(descriptor), diagnostics);
    return compiled(std::move(conf), descriptor, diagnostics);
}

/// `rules`: pairs of `message.publish.1` and the JSON without its pool, as in `"topic": "#", ...`.
/// Pools are pool1 and pool2.
using RuleLines = std::vector<std::pair<std::string, std::string>>;
inline std::string conf_of(const RuleLines& rules, const std::string& kind = "mysql") {
    std::string text =
        "backend." + kind + ".pool1.server = a\nbackend." + kind + ".pool2.server = b\n";
    for (const auto& [key, json] : rules) {
        const bool own = json.find("\"pool\"") != std::string::npos;
        text += "backend." + kind + ".hook." + key + " = {" + json +
                (own ? "}\n" : ", \"pool\": \"pool1\"}\n");
    }
    return text;
}

inline Loaded load(const RuleLines& rules) {
    return load_text(conf_of(rules));
}

inline std::string function(const std::string& name, const std::string& topic = "#") {
    return "\"topic\": \"" + topic + "\", \"action\": {\"function\": \"" + name + "\"}";
}

inline std::string sql(const std::string& statement) {
    return "\"action\": {\"sql\": [\"" + statement + "\"]}";
}

}  // namespace keepmq::hooks
