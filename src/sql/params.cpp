#include "sql/params.hpp"

namespace keepmq::sql {

namespace {

/// The smallest text of UTF-8 that is greater than all that begin with `text`.
std::optional<std::string> successor(std::string_view text) {
    while (!text.empty()) {
        std::size_t start = text.size() - 1;
        while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
        std::string last{text.substr(start)};
        text = text.substr(0, start);
        // Within a code point the bytes after the first go from 0x80 to 0xBF.
        std::size_t at = last.size() - 1;
        while (at > 0 && last[at] == '\xBF') last[at--] = '\x80';
        const auto byte = static_cast<unsigned char>(last[at]);
        if (last.starts_with("\xED\x9F") && at == 1)
            return std::string{text} + "\xEE\x80\x80";  // beyond the surrogates
        if (last.starts_with("\xF4\x8F") && at == 1)
            continue;  // the last code point
        if (at > 0 || (byte != 0x7F && byte != 0xDF && byte != 0xEF)) {
            last[at] = static_cast<char>(byte + 1);
            return std::string{text} + last;
        }
        return std::string{text} + (byte == 0x7F   ? "\xC2\x80"
                                    : byte == 0xDF ? "\xE0\xA0\x80"
                                                   : "\xF0\x90\x80\x80");
    }
    return std::nullopt;
}

}  // namespace

TopicRange topics_that_begin_with(std::string_view prefix) {
    return {std::string{prefix}, successor(prefix)};
}

MessageId id_of_row(std::int64_t row) {
    return {0, static_cast<std::uint64_t>(row)};
}

std::optional<std::int64_t> row_of(const MessageId& id) {
    if (id.high() != 0)
        return std::nullopt;
    return static_cast<std::int64_t>(id.low());
}

std::optional<WallTime> time_of_number(std::int64_t number) {
    constexpr std::int64_t beyond_any_second = 100'000'000'000;
    constexpr std::int64_t end_of_year_9999 = 253'402'300'799'999;
    if (number < 0 || number > end_of_year_9999)
        return std::nullopt;
    if (number < beyond_any_second)
        return WallTime{std::chrono::seconds{number}};
    return WallTime{std::chrono::milliseconds{number}};
}

WallTime time_of_arrival(std::optional<WallTime> stored, const MessageId& id) {
    if (!stored)
        return id.time();
    return std::chrono::floor<std::chrono::seconds>(id.time()) == *stored ? id.time() : *stored;
}

}  // namespace keepmq::sql
