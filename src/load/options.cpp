#include "load/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace keepmq::load {
namespace {

/// The names in "-q, --qos".
std::vector<std::string_view> split(std::string_view names) {
    std::vector<std::string_view> out;
    while (!names.empty()) {
        const auto comma = std::min(names.find(','), names.size());
        out.push_back(names.substr(0, comma));
        names.remove_prefix(std::min(comma + 2, names.size()));
    }
    return out;
}

const Option* find(std::span<const Option> options, std::string_view name) {
    for (const auto& each : options) {
        const auto names = split(each.names);
        if (std::ranges::find(names, name) != names.end())
            return &each;
    }
    return nullptr;
}

template <class T>
bool read(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string shown(double value) {
    auto out = std::to_string(value);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.ends_with('.'))
        out.pop_back();
    return out;
}

std::string with_default(const std::string& help, const std::string& value) {
    return value.empty() ? help : help + " (" + value + ')';
}

}  // namespace

std::string parse_options(std::span<const Option> options,
                          std::span<const std::string_view> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto name = words[i];
        std::optional<std::string_view> value;
        if (const auto sign = name.find('='); name.starts_with("--") && sign != name.npos) {
            value = name.substr(sign + 1);
            name = name.substr(0, sign);
        }
        const auto* option = find(options, name);
        if (option == nullptr)
            return (name.starts_with('-') ? "unknown option " : "one word too many: ") +
                   std::string{name};
        if (option->value.empty()) {
            if (value)
                return std::string{name} + " takes no value";
            (void)option->take({});
            continue;
        }
        if (!value && i + 1 == words.size())
            return std::string{name} + " needs a value: " + option->value;
        if (!value)
            value = words[++i];
        if (const auto wanted = option->take(*value); !wanted.empty())
            return std::string{name} + " wants " + wanted + ", not \"" + std::string{*value} + '"';
    }
    return {};
}

std::string options_help(std::span<const Option> options) {
    constexpr std::size_t column = 34;
    std::string out;
    for (const auto& each : options) {
        std::string line = "  " + each.names + (each.value.empty() ? "" : ' ' + each.value);
        if (line.size() + 2 > column) {
            out += line + '\n';
            line.clear();
        }
        line.resize(column, ' ');
        for (const char c : each.help) {
            line += c;
            if (c == '\n')
                line.append(column, ' ');
        }
        out += line + '\n';
    }
    return out;
}

Option flag(std::string names, bool& into, std::string help) {
    return {std::move(names), "", std::move(help), [&into](std::string_view) {
                into = true;
                return std::string{};
            }};
}

Option text(std::string names, std::string value, std::string& into, const std::string& help) {
    return {std::move(names),
            std::move(value),
            with_default(help, into),
            [&into](std::string_view given) {
                into = given;
                return given.empty() ? std::string{"a text"} : std::string{};
            }};
}

Option text(std::string names,
            std::string value,
            std::optional<std::string>& into,
            std::string help) {
    return {std::move(names), std::move(value), std::move(help), [&into](std::string_view given) {
                into = given;
                return std::string{};
            }};
}

Option count(std::string names,
             std::uint64_t& into,
             const std::string& help,
             std::uint64_t least,
             std::uint64_t most) {
    const bool unset = into == 0 && least > 0;
    return {std::move(names),
            "N",
            with_default(help, unset ? "" : std::to_string(into)),
            [&into, least, most](std::string_view given) -> std::string {
                if (read(given, into) && into >= least && into <= most)
                    return {};
                if (most == std::numeric_limits<std::int64_t>::max())
                    return "a number, at least " + std::to_string(least);
                return "a number from " + std::to_string(least) + " to " + std::to_string(most);
            }};
}

Option rate(std::string names, double& into, std::string help) {
    return {std::move(names), "N", std::move(help), [&into](std::string_view given) {
                const bool good = read(given, into) && std::isfinite(into) && into > 0;
                return good ? std::string{} : std::string{"a number greater than 0"};
            }};
}

Option seconds(std::string names, std::chrono::milliseconds& into, const std::string& help) {
    return {std::move(names),
            "SECONDS",
            with_default(help, shown(static_cast<double>(into.count()) / 1000)),
            [&into](std::string_view given) -> std::string {
                double value = 0;
                if (!read(given, value) || !(value >= 0 && value <= 1e7))
                    return "seconds, 0 to 10000000";
                into = std::chrono::milliseconds{std::llround(value * 1000)};
                return {};
            }};
}

}  // namespace keepmq::load
