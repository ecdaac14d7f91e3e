// Durations, sizes, counts, words in messages, and the guess at what a mistyped word was meant to
// be.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

#include "config/plugin_conf.hpp"

namespace keepmq::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array durations{
    Unit{"ms", 1},
    Unit{"s", 1'000},
    Unit{"", 1'000},
    Unit{"m", 60'000},
    Unit{"h", 3'600'000},
    Unit{"d", 86'400'000},
    Unit{"w", 604'800'000},
};

constexpr std::array sizes{
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"kb", 1ULL << 10U},
    Unit{"mb", 1ULL << 20U},
    Unit{"gb", 1ULL << 30U},
};

std::string lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// A whole number and a unit; nothing for anything else, also when the product does not fit.
template <class Units>
std::optional<std::uint64_t> scaled(std::string_view text, const Units& units) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop == text.data())
        return std::nullopt;
    auto rest = std::string_view{stop, static_cast<std::size_t>(end - stop)};
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(' ')));
    const auto name = lower(rest);
    const auto unit = std::ranges::find(units, std::string_view{name}, &Unit::name);
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (unit == units.end() || number > largest / unit->factor)
        return std::nullopt;
    return number * unit->factor;
}

/// Changes of one character that make `b` of `a`; `limit` when it takes so many or more.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit)
        return limit;
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i + 1);
        auto least = row[0];
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, replaced}));
            least = std::min(least, row[j + 1]);
        }
        if (least >= limit)
            return limit;
    }
    return std::min(row.back(), limit);
}

}  // namespace

std::optional<std::optional<std::chrono::milliseconds>> parse_duration(std::string_view text) {
    using Some = std::optional<std::chrono::milliseconds>;
    if (text == "infinity")
        return Some{};
    // A century and more: wider than any use, and far from the limits of time arithmetic.
    constexpr std::uint64_t longest = 86'400'000ULL * 366 * 150;
    const auto millis = scaled(text, durations);
    if (!millis || *millis > longest)
        return std::nullopt;
    return Some{std::chrono::milliseconds{static_cast<std::int64_t>(*millis)}};
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    return scaled(text, sizes);
}

std::optional<std::optional<std::uint64_t>> parse_count(std::string_view text) {
    using Some = std::optional<std::uint64_t>;
    if (text == "infinity")
        return Some{};
    const auto number = scaled(text, std::array{Unit{"", 1}});
    if (!number || *number == 0)
        return std::nullopt;
    return Some{*number};
}

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out;
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string_view>& known) {
    // Longer than any word we know: not a typing mistake, and not worth the time.
    if (word.size() > 128)
        return std::nullopt;
    std::optional<std::string> best;
    std::size_t least = std::max<std::size_t>(1, std::min<std::size_t>(4, word.size() / 3)) + 1;
    const auto typed = lower(word);
    for (const auto one : known) {
        const auto steps = distance(typed, lower(one), least);
        if (steps < least) {
            least = steps;
            best = std::string{one};
        }
    }
    return best;
}

}  // namespace keepmq::config
