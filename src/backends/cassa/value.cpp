#include "backends/cassa/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::cassa {
namespace {

using Encoded = std::variant<std::string, store::Failure>;

std::string big_endian(std::uint64_t value, std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = size; i-- > 0; value >>= 8U) out[i] = static_cast<char>(value & 0xFFU);
    return out;
}

std::uint64_t unsigned_of(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
    return value;
}

std::int64_t signed_of(std::string_view bytes) {
    if (bytes.empty() || bytes.size() > 8)
        return 0;
    const auto unused = static_cast<int>(64 - 8 * bytes.size());
    return static_cast<std::int64_t>(unsigned_of(bytes) << static_cast<unsigned>(unused)) >> unused;
}

Encoded unfit(std::string_view what, std::string_view type) {
    return store::Failure{store::errc::bad_value,
                          fmt::format("{} does not fit into a column of type {}", what, type)};
}

/// Cassandra's text may hold U+0000, unlike that of MQTT.
bool is_utf8(std::string_view text) {
    while (true) {
        const auto zero = text.find('\0');
        if (!is_mqtt_utf8(text.substr(0, zero)))
            return false;
        if (zero == std::string_view::npos)
            return true;
        text.remove_prefix(zero + 1);
    }
}

/// The bytes of any value as text.
std::string text_of(const Param& param) {
    return std::visit(Overloaded{
                          [](std::monostate) { return std::string{}; },
                          [](Unset) { return std::string{}; },
                          [](sql::BlobView value) { return std::string{value.bytes}; },
                          [](WallTime value) { return sql::format_time(value); },
                          [](std::string_view value) { return std::string{value}; },
                          [](const std::string& value) { return value; },
                          [](auto number) { return fmt::format("{}", number); },
                      },
                      param);
}

template <class Number>
std::optional<Number> number_in(const Param& param) {
    const auto text = text_of(param);
    Number number{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return number;
}

Encoded integer(const Param& param, std::size_t size, std::string_view type) {
    std::optional<std::int64_t> value;
    if (const auto* const number = std::get_if<double>(&param)) {
        if (std::trunc(*number) == *number && std::abs(*number) < 9.0e18)
            value = static_cast<std::int64_t>(*number);
    } else if (const auto* const whole = std::get_if<std::int64_t>(&param)) {
        value = *whole;
    } else {
        value = number_in<std::int64_t>(param);
    }
    if (!value)
        return unfit("a value that is no whole number", type);
    const auto bits = 8 * size - 1;
    if (bits < 63 && (*value >= (std::int64_t{1} << bits) || *value < -(std::int64_t{1} << bits)))
        return unfit(fmt::format("{}", *value), type);
    return big_endian(static_cast<std::uint64_t>(*value), size);
}

Encoded real(const Param& param, bool small) {
    const auto value = number_in<double>(param);
    if (!value)
        return unfit("a value that is no number", small ? "float" : "double");
    if (small)
        return big_endian(std::bit_cast<std::uint32_t>(static_cast<float>(*value)), 4);
    return big_endian(std::bit_cast<std::uint64_t>(*value), 8);
}

Encoded boolean(const Param& param) {
    const auto text = text_of(param);
    if (text == "true" || text == "1")
        return std::string(1, '\1');
    if (text == "false" || text == "0")
        return std::string(1, '\0');
    return unfit("a value that is neither true nor false", "boolean");
}

/// A number counts milliseconds.
Encoded timestamp(const Param& param) {
    std::optional<std::int64_t> millis;
    const auto count = [](WallTime time) -> std::int64_t {
        return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
    };
    if (const auto* const time = std::get_if<WallTime>(&param))
        millis = count(*time);
    else if (const auto number = number_in<std::int64_t>(param))
        millis = *number;
    else if (const auto parsed = sql::parse_time(text_of(param)))
        millis = count(*parsed);
    if (!millis)
        return unfit("a value that is no time", "timestamp");
    return big_endian(static_cast<std::uint64_t>(*millis), 8);
}

Encoded uuid(const Param& param) {
    std::string digits = text_of(param);
    std::erase(digits, '-');
    std::string out;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        unsigned byte = 0;
        const auto* const end = digits.data() + at + 2;
        if (std::from_chars(digits.data() + at, end, byte, 16).ptr != end)
            break;
        out.push_back(static_cast<char>(byte));
    }
    if (digits.size() != 32 || out.size() != 16)
        return unfit("a value that is no UUID", "uuid");
    return out;
}

Encoded text(const Param& param, bool ascii) {
    auto value = text_of(param);
    const bool fits = ascii ? std::ranges::all_of(value, [](char c) { return (c & '\x80') == 0; })
                            : is_utf8(value);
    if (!fits)
        return unfit("a value that is not UTF-8", ascii ? "ascii" : "text");
    return value;
}

}  // namespace

std::optional<std::string_view> bytes_in(const Param& param, Type type) {
    std::optional<std::string_view> bytes;
    if (const auto* const view = std::get_if<std::string_view>(&param))
        bytes = *view;
    else if (const auto* const owned = std::get_if<std::string>(&param))
        bytes = *owned;
    else if (const auto* const blob = std::get_if<sql::BlobView>(&param))
        bytes = blob->bytes;
    const bool fits = type == Type::blob || (type == Type::text && bytes && is_utf8(*bytes));
    return fits ? bytes : std::nullopt;
}

Encoded encode(const Param& param, Type type) {
    switch (type) {
        case Type::ascii:
        case Type::text:
            return text(param, type == Type::ascii);
        case Type::blob:
            return text_of(param);
        case Type::bigint:
        case Type::counter:
            return integer(param, 8, "bigint");
        case Type::int32:
            return integer(param, 4, "int");
        case Type::int16:
            return integer(param, 2, "smallint");
        case Type::int8:
            return integer(param, 1, "tinyint");
        case Type::real64:
        case Type::real32:
            return real(param, type == Type::real32);
        case Type::boolean:
            return boolean(param);
        case Type::timestamp:
            return timestamp(param);
        case Type::uuid:
        case Type::timeuuid:
            return uuid(param);
        case Type::other:
            break;
    }
    return unfit("a value of a message", "this kind (use text, blob, a number, timestamp or uuid)");
}

std::string decode(Type type, std::string_view bytes) {
    switch (type) {
        case Type::bigint:
        case Type::counter:
        case Type::int32:
        case Type::int16:
        case Type::int8:
            return std::to_string(signed_of(bytes));
        case Type::boolean:
            return unsigned_of(bytes) != 0 ? "1" : "0";
        case Type::timestamp:
            return sql::format_time(WallTime{std::chrono::milliseconds{signed_of(bytes)}});
        default:
            return std::string{bytes};
    }
}

}  // namespace keepmq::cassa
