// Topic functions against slow and obvious ones. Input: two filters and a name, one a line.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/topic.hpp"

namespace {

using namespace keepmq;
using Levels = std::vector<std::string>;

void require(bool holds) {
    if (!holds)
        std::abort();
}

Levels split(std::string_view text) {
    Levels levels(1);
    for (const char c : text) {
        if (c == '/')
            levels.emplace_back();
        else
            levels.back() += c;
    }
    return levels;
}

std::string join(const Levels& levels) {
    std::string text;
    for (std::size_t i = 0; i < levels.size(); ++i) text += (i == 0 ? "" : "/") + levels[i];
    return text;
}

bool naive_is_filter(std::string_view text) {
    if (text.empty() || text.find('\0') != std::string_view::npos)
        return false;
    const auto levels = split(text);
    for (std::size_t i = 0; i < levels.size(); ++i) {
        if (levels[i] == "+" || (levels[i] == "#" && i + 1 == levels.size()))
            continue;
        if (levels[i].find_first_of("+#") != std::string::npos)
            return false;
    }
    return true;
}

bool naive_matches(const Levels& filter, const Levels& name, std::size_t at) {
    if (at == filter.size())
        return at == name.size();
    if (filter[at] == "#")
        return true;
    return at < name.size() && (filter[at] == "+" || filter[at] == name[at]) &&
           naive_matches(filter, name, at + 1);
}

bool naive_matches(std::string_view filter, std::string_view name) {
    const bool wild_start = filter.starts_with('+') || filter.starts_with('#');
    return !(wild_start && name.starts_with('$')) && naive_matches(split(filter), split(name), 0);
}

/// Decodes code points by arithmetic instead of by tables of bounds.
bool naive_is_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = byte(i);
        const std::size_t more = lead < 0x80   ? 0
                                 : lead < 0xC0 ? 4
                                 : lead < 0xE0 ? 1
                                 : lead < 0xF0 ? 2
                                               : 3;
        if (more == 4 || lead >= 0xF8)
            return false;
        std::uint32_t code = more == 0 ? lead : lead & (0x3FU >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            if ((byte(i + k) & 0xC0U) != 0x80U)
                return false;
            code = code << 6U | (byte(i + k) & 0x3FU);
        }
        constexpr std::uint32_t lowest[] = {0x1, 0x80, 0x800, 0x10000};
        if (code < lowest[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
            return false;
        i += 1 + more;
    }
    return true;
}

void check_shared(std::string_view subscribed) {
    const auto shared = split_shared(subscribed);
    const auto levels = split(subscribed);
    if (levels.front() != "$share" || levels.size() < 2) {
        require(shared.valid && shared.group.empty() && shared.filter == subscribed);
        return;
    }
    const auto& group = levels[1];
    const auto filter = join({levels.begin() + 2, levels.end()});
    require(shared.valid ==
            (!group.empty() && group.find_first_of("+#") == std::string::npos && !filter.empty()));
    if (shared.valid)
        require(shared.group == group && shared.filter == filter);
}

/// A name that both filters would match if any does: their literal levels, and `x` elsewhere.
std::string witness(std::string_view a, std::string_view b) {
    const auto left = split(a);
    const auto right = split(b);
    const auto literal = [](const Levels& levels, std::size_t i) {
        return i < levels.size() && levels[i] != "+" && levels[i] != "#";
    };
    const auto fixed_size = [](const Levels& levels) {
        return levels.size() - (levels.back() == "#" ? 1 : 0);
    };
    Levels name;
    for (std::size_t i = 0; i < std::max({fixed_size(left), fixed_size(right), std::size_t{1}});
         ++i)
        name.push_back(literal(left, i) ? left[i] : literal(right, i) ? right[i] : "x");
    return join(name);
}

void check_filter(std::string_view filter, std::string_view name) {
    require(filter_matches(filter, name) == naive_matches(filter, name));
    const auto prefix = literal_prefix(filter);
    require(filter.starts_with(prefix));
    if (filter_matches(filter, name))
        require(name.starts_with(prefix));
    require(has_wildcard(filter) == !is_topic_name(filter));
    require(topic_levels(filter) == split(filter).size());
    require(filters_overlap(filter, filter));
    const auto subscribed = "$share/group/" + std::string{filter};
    const auto shared = split_shared(subscribed);
    require(shared.valid && shared.group == "group" && shared.filter == filter);
}

void check_overlap(std::string_view a, std::string_view b, std::string_view name) {
    const bool overlap = filters_overlap(a, b);
    require(overlap == filters_overlap(b, a));
    if (filter_matches(a, name) && filter_matches(b, name))
        require(overlap);
    const auto both = witness(a, b);
    require(overlap == (filter_matches(a, both) && filter_matches(b, both)));
}

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096)
        return 0;
    std::string_view rest;
    if (size > 0)
        rest = {reinterpret_cast<const char*>(data), size};
    const auto a = take_line(rest);
    const auto b = take_line(rest);
    const auto name = rest;
    require(is_topic_filter(a) == naive_is_filter(a));
    require(is_topic_name(a) ==
            (naive_is_filter(a) && a.find_first_of("+#") == std::string_view::npos));
    require(is_mqtt_utf8(name) == naive_is_utf8(name));
    check_shared(a);
    if (!is_topic_filter(a) || !is_topic_name(name))
        return 0;
    check_filter(a, name);
    if (is_topic_filter(b))
        check_overlap(a, b, name);
    return 0;
}
