// The kinds of values that keys have.

#include <algorithm>
#include <array>

#include "config/plugin_conf.hpp"
#include "config/section.hpp"

namespace keepmq::config {
namespace {

constexpr std::array<std::string_view, 3> yes{"on", "true", "yes"};
constexpr std::array<std::string_view, 3> no{"off", "false", "no"};

std::string in_bytes(std::uint64_t value) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> units{
        {{"GB", 1ULL << 30U}, {"MB", 1ULL << 20U}, {"KB", 1ULL << 10U}}};
    for (const auto& [name, factor] : units) {
        if (value >= factor && value % factor == 0)
            return std::to_string(value / factor) + std::string{name};
    }
    return std::to_string(value);
}

std::string in_time(std::uint64_t millis) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}}};
    for (const auto& [name, factor] : units) {
        if (millis >= factor && millis % factor == 0)
            return std::to_string(millis / factor) + std::string{name};
    }
    return millis == 0 ? "0" : std::to_string(millis) + "ms";
}

std::string bounds(const Range& range, std::string (*shown)(std::uint64_t)) {
    const bool open =
        range.most >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (open)
        return range.least == 0 ? std::string{} : " of at least " + shown(range.least);
    return " from " + shown(range.least) + " to " + shown(range.most);
}

std::string plain(std::uint64_t value) {
    return std::to_string(value);
}

bool within(const Range& range, std::uint64_t value) {
    return value >= range.least && value <= range.most;
}

}  // namespace

Key text_key(std::string name, std::string meaning, const Member<std::string>& member) {
    return {std::move(name),
            "text",
            std::move(meaning),
            [member](Settings& settings, std::string_view value, const Origin&) {
                member(settings) = std::string{value};
                return std::string{};
            },
            [member](Settings& settings) { return member(settings); }};
}

Key flag_key(std::string name, std::string meaning, const Member<bool>& member) {
    return {std::move(name),
            "on or off",
            std::move(meaning),
            [member](Settings& settings, std::string_view value, const Origin&) -> std::string {
                const bool on = std::ranges::find(yes, value) != yes.end();
                if (!on && std::ranges::find(no, value) == no.end())
                    return "on or off";
                member(settings) = on;
                return {};
            },
            [member](Settings& settings) { return std::string{member(settings) ? "on" : "off"}; }};
}

Key words_key(std::string name,
              std::vector<std::string> words,
              std::string meaning,
              const Member<std::string>& member) {
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i)
        list += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return {std::move(name),
            list,
            std::move(meaning),
            [member, words, list](Settings& settings, std::string_view value, const Origin&) {
                if (std::ranges::find(words, value) == words.end())
                    return list;
                member(settings) = std::string{value};
                return std::string{};
            },
            [member](Settings& settings) { return member(settings); }};
}

Key number_key(std::string name,
               Range range,
               bool bytes,
               std::string meaning,
               const Set64& set,
               const Get64& get) {
    const auto shown = bytes ? &in_bytes : &plain;
    const std::string type = (bytes ? "size" : "number") + bounds(range, shown);
    return {std::move(name),
            type,
            std::move(meaning),
            [=](Settings& settings, std::string_view value, const Origin&) -> std::string {
                const auto number = bytes || value.find_first_not_of("0123456789") == value.npos
                                        ? parse_bytes(value)
                                        : std::nullopt;
                if (!number || !within(range, *number))
                    return "a " + type + (bytes ? ", such as 64KB or 1MB" : "");
                set(settings, *number);
                return {};
            },
            [=](Settings& settings) { return shown(get(settings)); }};
}

Key duration_key(std::string name,
                 Range range,
                 std::uint64_t step,
                 std::string meaning,
                 const Set64& set,
                 const Get64& get) {
    const std::string type = "duration" + bounds(range, &in_time);
    return {
        std::move(name),
        type,
        std::move(meaning),
        [=](Settings& settings, std::string_view value, const Origin&) -> std::string {
            const auto time = parse_duration(value);
            const auto millis = time && *time ? static_cast<std::uint64_t>((*time)->count()) : 0;
            if (!time || !*time || !within(range, millis) || millis % step != 0) {
                return "a " + type + (step > 1 ? ", in whole seconds" : "") + ", such as 30s or 2h";
            }
            set(settings, millis);
            return {};
        },
        [=](Settings& settings) { return in_time(get(settings)); }};
}

const std::vector<Key>& all_keys() {
    static const std::vector<Key> keys = [] {
        std::vector<Key> all;
        add_node_keys(all);
        add_admin_keys(all);
        add_mqtt_keys(all);
        add_zone_keys(all);
        add_store_keys(all);
        return all;
    }();
    return keys;
}

const std::vector<KeyInfo>& known_keys() {
    static const std::vector<std::string> defaults = [] {
        std::vector<std::string> all;
        Settings settings;
        for (const auto& key : all_keys()) all.push_back(key.get(settings));
        return all;
    }();
    static const std::vector<KeyInfo> infos = [] {
        std::vector<KeyInfo> all{{"listener.tcp.<name>",
                                  "address",
                                  "",
                                  "Listens for MQTT over TCP; `<name>` is free. Without any, "
                                  "`localhost:1883` is used, so "
                                  "that a fresh install is not open to the network."},
                                 {"listener.tcp.<name>.max_connections",
                                  "number from 1 to 100000000",
                                  "1024000",
                                  "Connections that this listener admits at a time."}};
        for (std::size_t i = 0; i < all_keys().size(); ++i) {
            const auto& key = all_keys()[i];
            all.push_back({key.name, key.type, defaults[i], key.meaning});
        }
        return all;
    }();
    return infos;
}

}  // namespace keepmq::config
