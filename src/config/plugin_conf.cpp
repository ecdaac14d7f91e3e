// Sorts the lines of a plugin's file into pools, rules and plugin-wide settings.

#include "config/plugin_conf.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "config/rule_json.hpp"

namespace keepmq::config {
namespace {

constexpr std::string_view default_pool = "pool1";

const std::vector<std::string_view> plugin_settings{"max_returned_count",
                                                    "time_range",
                                                    "msg.expired_after",
                                                    "topology.pool_size",
                                                    "topology.max_overflow",
                                                    "topology.overflow_ttl",
                                                    "topology.overflow_check_period",
                                                    "topology.local_threshold_ms",
                                                    "topology.connect_timeout_ms",
                                                    "topology.socket_timeout_ms",
                                                    "topology.server_selection_timeout_ms",
                                                    "topology.wait_queue_timeout_ms",
                                                    "topology.heartbeat_frequency_ms",
                                                    "topology.min_heartbeat_frequency_ms"};

const std::vector<std::string_view> hook_names{"client.connected",
                                               "client.disconnected",
                                               "session.created",
                                               "session.resumed",
                                               "session.subscribed",
                                               "session.unsubscribed",
                                               "session.terminated",
                                               "message.publish",
                                               "message.delivered",
                                               "message.acked"};

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

/// The rest of `text` behind `prefix` and a dot.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
    if (text.size() <= prefix.size() || !text.starts_with(prefix) || text[prefix.size()] != '.')
        return std::nullopt;
    return text.substr(prefix.size() + 1);
}

class PluginReader {
  public:
    PluginReader(const PluginConfOptions& options, PluginConf& conf, Diagnostics& diagnostics)
        : options_{options}, conf_{conf}, diagnostics_{diagnostics} {}

    void take(const ConfLine& line);
    void sort_rules();

  private:
    void unknown(const ConfLine& line,
                 const std::string& what,
                 std::string_view word,
                 const std::vector<std::string_view>& known);
    void rule(const ConfLine& line, std::string_view rest);
    void setting(const ConfLine& line, std::string_view name);
    void pool(const ConfLine& line, std::string_view name, std::string_view property);
    void keyed(const ConfLine& line, std::string_view rest);

    const PluginConfOptions& options_;
    PluginConf& conf_;
    Diagnostics& diagnostics_;
};

void PluginReader::unknown(const ConfLine& line,
                           const std::string& what,
                           std::string_view word,
                           const std::vector<std::string_view>& known) {
    const auto near = nearest(word, known);
    diagnostics_.warning(line.origin,
                         line.key,
                         what + " is ignored",
                         near ? "did you mean " + *near + '?' : std::string{});
}

/// `rest` is `<hook>.<N>`.
void PluginReader::rule(const ConfLine& line, std::string_view rest) {
    const auto dot = rest.rfind('.');
    const auto name = dot == std::string_view::npos ? rest : rest.substr(0, dot);
    const auto number = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    const auto hook = parse_hook(name);
    int ordinal = 0;
    const auto [stop, failed] =
        std::from_chars(number.data(), number.data() + number.size(), ordinal);
    const bool is_number = !number.empty() && failed == std::errc{} &&
                           stop == number.data() + number.size() && ordinal >= 0;
    if (!hook || !is_number) {
        // Without its number, the whole rest is the name of the hook.
        if (hook || parse_hook(rest)) {
            diagnostics_.error(
                line.origin, line.key, "a rule key ends in a number", "for example .1");
            return;
        }
        const auto near = nearest(name, hook_names);
        diagnostics_.error(line.origin,
                           line.key,
                           "no hook is called " + std::string{name},
                           near ? "did you mean " + *near + '?' : std::string{});
        return;
    }
    RuleSpec spec;
    spec.origin = line.origin;
    spec.key = line.key;
    spec.hook = *hook;
    spec.ordinal = ordinal;
    if (read_rule(line, options_.statement_member, spec, diagnostics_))
        conf_.rules.push_back(std::move(spec));
}

void PluginReader::setting(const ConfLine& line, std::string_view name) {
    const auto error = [&](std::string message, std::string hint) {
        diagnostics_.error(line.origin, line.key, std::move(message), std::move(hint));
    };
    if (name == "max_returned_count" && !parse_count(line.value)) {
        error("must be a whole number above 0 or infinity", "for example 500");
        return;
    }
    if (name == "time_range") {
        const auto range = parse_duration(line.value);
        if (!range || (*range && (*range)->count() == 0)) {
            error("must be a duration or infinity", "for example 2h, with one of d, h, m, s");
            return;
        }
    }
    // Zero and less mean the default.
    if (name == "msg.expired_after" && !line.value.starts_with('-') &&
        !parse_duration(line.value)) {
        error("must be a number of seconds or infinity", "for example 3600");
        return;
    }
    conf_.settings.insert_or_assign(std::string{name}, PropertyValue{line.value, line.origin});
}

void PluginReader::pool(const ConfLine& line, std::string_view name, std::string_view property) {
    if (!contains(options_.pool_properties, property)) {
        unknown(line,
                "unknown pool property " + std::string{property},
                property,
                options_.pool_properties);
        return;
    }
    auto found = std::ranges::find(conf_.pools, name, &PoolSpec::name);
    if (found == conf_.pools.end())
        found = conf_.pools.insert(conf_.pools.end(), PoolSpec{std::string{name}, {}});
    const auto [entry, is_new] = found->properties.try_emplace(
        std::string{property}, PropertyValue{line.value, line.origin});
    if (is_new)
        return;
    // Two spellings of one setting, such as backend.mysql.server and backend.mysql.pool1.server.
    diagnostics_.warning(line.origin,
                         line.key,
                         "sets what line " + std::to_string(entry->second.origin.line) +
                             " already set, which is ignored",
                         "remove one of the two");
    entry->second = PropertyValue{line.value, line.origin};
}

/// `rest` is what follows `backend.<kind>.`.
void PluginReader::keyed(const ConfLine& line, std::string_view rest) {
    if (const auto rule_part = behind(rest, "hook")) {
        rule(line, *rule_part);
        return;
    }
    if (contains(plugin_settings, rest)) {
        setting(line, rest);
        return;
    }
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) {
        if (contains(options_.pool_properties, rest)) {
            pool(line, default_pool, rest);
            return;
        }
        auto known = plugin_settings;
        known.insert(known.end(), options_.pool_properties.begin(), options_.pool_properties.end());
        unknown(line, "unknown setting " + std::string{rest}, rest, known);
        return;
    }
    const auto name = rest.substr(0, dot);
    if (name == "topology" || name == "msg" || name == "hook" || name.empty())
        unknown(line, "unknown setting " + std::string{rest}, rest, plugin_settings);
    else
        pool(line, name, rest.substr(dot + 1));
}

void PluginReader::take(const ConfLine& line) {
    const auto rest = behind(line.key, "backend");
    if (rest) {
        for (const auto kind : {options_.kind, options_.pool_kind}) {
            if (const auto inner = behind(*rest, kind)) {
                keyed(line, *inner);
                return;
            }
        }
    }
    std::string expected =
        "keys of this file start with backend." + std::string{options_.kind} + '.';
    if (options_.pool_kind != options_.kind)
        expected += " or backend." + std::string{options_.pool_kind} + '.';
    diagnostics_.warning(line.origin, line.key, "unknown key is ignored", std::move(expected));
}

void PluginReader::sort_rules() {
    std::ranges::stable_sort(conf_.rules, [](const RuleSpec& a, const RuleSpec& b) {
        return std::pair{a.hook, a.ordinal} < std::pair{b.hook, b.ordinal};
    });
}

PluginConf sorted(const std::vector<ConfLine>& lines,
                  const std::string& file,
                  PluginConfOptions options,
                  Diagnostics& diagnostics) {
    if (options.pool_kind.empty())
        options.pool_kind = options.kind;
    PluginConf conf;
    conf.file = file;
    conf.kind = std::string{options.kind};
    PluginReader reader{options, conf, diagnostics};
    for (const auto& line : lines) reader.take(line);
    reader.sort_rules();
    return conf;
}

}  // namespace

PluginConf parse_plugin_conf(std::string_view text,
                             const std::string& file,
                             const PluginConfOptions& options,
                             Diagnostics& diagnostics) {
    return sorted(parse_conf(text, file, diagnostics), file, options, diagnostics);
}

PluginConf read_plugin_conf(const std::string& path,
                            const PluginConfOptions& options,
                            Diagnostics& diagnostics) {
    return sorted(read_conf(path, diagnostics), path, options, diagnostics);
}

}  // namespace keepmq::config
