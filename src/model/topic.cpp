#include "model/topic.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace keepmq {
namespace {

constexpr std::uint64_t every_byte = 0x0101010101010101ULL;
constexpr std::uint64_t high_bits = 0x8080808080808080ULL;

std::uint64_t load8(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// Non-zero if one of the eight bytes is zero.
constexpr std::uint64_t zero_byte(std::uint64_t word) {
    return (word - every_byte) & ~word & high_bits;
}

constexpr std::uint64_t contains(std::uint64_t word, char wanted) {
    return zero_byte(word ^ (every_byte * static_cast<unsigned char>(wanted)));
}

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0U) == 0x80U;
}

/// Size of the multi-byte sequence that starts at `at`, 0 if it is ill-formed. The bounds of the
/// second byte exclude overlong forms, surrogates and code points above U+10FFFF.
std::size_t sequence_size(const unsigned char* at, std::size_t available) {
    const unsigned char lead = at[0];
    std::size_t size = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        if (lead == 0xE0)
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    }
    if (size == 0 || available < size || at[1] < low || at[1] > high)
        return 0;
    return std::all_of(at + 2, at + size, is_continuation) ? size : 0;
}

/// Takes levels off the front of a topic text.
class Levels {
  public:
    explicit Levels(std::string_view text) : rest_{text} {}

    [[nodiscard]] bool done() const { return done_; }

    std::string_view next() {
        const auto slash = rest_.find('/');
        const auto level = rest_.substr(0, slash);
        if (slash == std::string_view::npos)
            done_ = true;
        else
            rest_.remove_prefix(slash + 1);
        return level;
    }

  private:
    std::string_view rest_;
    bool done_ = false;
};

bool starts_with_wildcard(std::string_view filter) {
    return filter == "#" || filter == "+" || filter.starts_with("+/");
}

}  // namespace

bool is_mqtt_utf8(std::string_view text) {
    const char* at = text.data();
    std::size_t left = text.size();
    while (left > 0) {
        if (left >= 8) {
            const auto word = load8(at);
            if (((word | (word - every_byte)) & high_bits) == 0) {  // eight bytes of 0x01..0x7F
                at += 8;
                left -= 8;
                continue;
            }
        }
        const auto byte = static_cast<unsigned char>(*at);
        std::size_t size = 1;
        if (byte == 0)
            return false;
        if (byte >= 0x80)
            size = sequence_size(reinterpret_cast<const unsigned char*>(at), left);
        if (size == 0)
            return false;
        at += size;
        left -= size;
    }
    return true;
}

bool is_topic_name(std::string_view text) {
    if (text.empty())
        return false;
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 8; at += 8, left -= 8) {
        const auto word = load8(at);
        if ((contains(word, '+') | contains(word, '#') | zero_byte(word)) != 0)
            return false;
    }
    return std::none_of(at, at + left, [](char c) { return c == '+' || c == '#' || c == '\0'; });
}

bool is_topic_filter(std::string_view text) {
    if (text.empty() || text.find('\0') != std::string_view::npos)
        return false;
    for (auto at = text.find_first_of("+#"); at != std::string_view::npos;
         at = text.find_first_of("+#", at + 1)) {
        const bool starts_level = at == 0 || text[at - 1] == '/';
        const bool is_last = at + 1 == text.size();
        const bool ends_level = is_last || (text[at] == '+' && text[at + 1] == '/');
        if (!starts_level || !ends_level)
            return false;
    }
    return true;
}

bool has_wildcard(std::string_view filter) {
    Levels levels{filter};
    while (!levels.done()) {
        const auto level = levels.next();
        if (level == "+" || level == "#")
            return true;
    }
    return false;
}

std::size_t topic_levels(std::string_view text) {
    return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
}

bool filter_matches(std::string_view filter, std::string_view name) {
    if (name.starts_with('$') && starts_with_wildcard(filter))
        return false;  // [MQTT-4.7.2-1]
    Levels wanted{filter};
    Levels given{name};
    while (!wanted.done()) {
        const auto level = wanted.next();
        if (level == "#" && wanted.done())
            return true;  // also when `given` is done: `sport/#` matches `sport`
        if (given.done())
            return false;
        const auto word = given.next();
        if (level != "+" && level != word)
            return false;
    }
    return given.done();
}

bool filters_overlap(std::string_view a, std::string_view b) {
    if ((a.starts_with('$') && starts_with_wildcard(b)) ||
        (b.starts_with('$') && starts_with_wildcard(a)))
        return false;
    Levels left{a};
    Levels right{b};
    while (!left.done() && !right.done()) {
        const auto x = left.next();
        const auto y = right.next();
        if ((x == "#" && left.done()) || (y == "#" && right.done()))
            return true;
        if (x != y && x != "+" && y != "+")
            return false;
    }
    if (left.done() && right.done())
        return true;
    // The longer one may still end here, with the `#` that also matches its parent level.
    Levels& longer = left.done() ? right : left;
    const auto last = longer.next();
    return last == "#" && longer.done();
}

std::string_view literal_prefix(std::string_view filter) {
    std::size_t start = 0;
    Levels levels{filter};
    while (!levels.done()) {
        const auto level = levels.next();
        if (level == "#")
            return filter.substr(0, start == 0 ? 0 : start - 1);
        if (level == "+")
            return filter.substr(0, start);
        start += level.size() + 1;
    }
    return filter;
}

SharedFilter split_shared(std::string_view subscribed) {
    constexpr std::string_view marker = "$share/";
    if (!subscribed.starts_with(marker))
        return {.group = {}, .filter = subscribed, .valid = true};
    const auto rest = subscribed.substr(marker.size());
    const auto slash = rest.find('/');
    const auto group = rest.substr(0, slash);
    const auto filter =
        slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    // [MQTT-4.8.2-1, MQTT-4.8.2-2]
    const bool valid =
        !group.empty() && group.find_first_of("+#") == std::string_view::npos && !filter.empty();
    return {.group = group, .filter = filter, .valid = valid};
}

}  // namespace keepmq
