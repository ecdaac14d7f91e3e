// node.*, log.* and plugins.*

#include "config/section.hpp"

namespace keepmq::config {
namespace {

constexpr std::string_view separators = " ,\t";

/// Words between commas and blanks.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (auto from = text.find_first_not_of(separators); from != std::string_view::npos;) {
        const auto end = std::min(text.find_first_of(separators, from), text.size());
        words.emplace_back(text.substr(from, end - from));
        from = text.find_first_not_of(separators, end);
    }
    return words;
}

Key loaded_plugins() {
    return {"plugins.loaded",
            "names, separated by commas",
            "Plugins that are loaded at the very first start. Later `data/loaded_plugins` decides.",
            [](Settings& settings, std::string_view value, const Origin& origin) {
                settings.plugins.loaded = words_of(value);
                settings.plugins.loaded_origin = origin;
                return std::string{};
            },
            [](Settings& settings) {
                std::string text;
                for (const auto& name : settings.plugins.loaded)
                    text += (text.empty() ? "" : ", ") + name;
                return text;
            }};
}

Key path_key(std::string name,
             std::string meaning,
             const Member<std::string>& member,
             bool needed) {
    auto key = text_key(std::move(name), std::move(meaning), member);
    key.type = "path";
    if (needed) {
        key.set = [set = key.set](
                      Settings& settings, std::string_view value, const Origin& origin) {
            return value.empty() ? std::string{"a path"} : set(settings, value, origin);
        };
    }
    return key;
}

Key shards_key() {
    auto key = number_key<std::size_t>(
        "node.shards",
        {1, most_shards},
        "How many threads serve clients, each its own; `auto` for one on each core.",
        [](Settings & s) -> auto& { return s.node.shards; });
    key.type = "auto or " + key.type;
    key.set = [set = key.set](Settings& settings, std::string_view value, const Origin& origin) {
        if (value != "auto") {
            const auto expected = set(settings, value, origin);
            return expected.empty() ? expected : "auto, or " + expected;
        }
        settings.node.shards = 0;
        return std::string{};
    };
    key.get = [get = key.get](Settings& settings) {
        return settings.node.shards == 0 ? std::string{"auto"} : get(settings);
    };
    return key;
}

}  // namespace

void add_node_keys(std::vector<Key>& keys) {
    keys.push_back(text_key(
        "node.name", "Name of this broker, as presence tables show it.", [](Settings & s) -> auto& {
            return s.node.name;
        }));
    keys.back().set = [set = keys.back().set](
                          Settings& settings, std::string_view value, const Origin& origin) {
        return value.empty() ? std::string{"a name, such as keepmq@127.0.0.1"}
                             : set(settings, value, origin);
    };
    keys.push_back(path_key(
        "node.data_dir",
        "Where the broker keeps its own state. A relative path starts at the "
        "folder above the one of this file.",
        [](Settings & s) -> auto& { return s.node.data_dir; },
        true));
    keys.push_back(flag_key(
        "node.persistence",
        "Whether sessions that outlive their connection, their waiting messages and "
        "retained messages survive a restart, in `sessions.db` of `node.data_dir`.",
        [](Settings & s) -> auto& { return s.node.persistence; }));
    keys.push_back(shards_key());
    keys.push_back(path_key(
        "node.ports_file",
        "After the start the addresses that are listened on are written there "
        "as JSON; useful with port 0. Empty: not written. Relative as "
        "`node.data_dir`.",
        [](Settings & s) -> auto& { return s.ports_file; },
        false));
    keys.push_back(duration_key<std::chrono::milliseconds>(
        "node.shutdown_deadline",
        {0, 3'600'000},
        "How long a stop waits for writes that are still under way.",
        [](Settings & s) -> auto& { return s.store.shutdown_deadline; }));
    keys.push_back(words_key(
        "log.level", {"error", "warning", "info", "debug"}, "What is logged.", [
        ](Settings & s) -> auto& { return s.log_level; }));
    keys.push_back(path_key(
        "plugins.etc_dir",
        "Where the `emqx_backend_*.conf` files are. A relative path starts at "
        "the folder of this file.",
        [](Settings & s) -> auto& { return s.plugins.etc_dir; },
        true));
    keys.push_back(loaded_plugins());
}

}  // namespace keepmq::config
