#include "sql/columns.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "model/topic.hpp"

namespace keepmq::sql {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

/// Its length has 16 bits [MQTT 5.0, 1.5.4].
constexpr std::size_t longest_text = 65'535;

constexpr auto base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"sv;

std::string encode_base64(std::string_view bytes) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = (bits << 8U) | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out.push_back(i <= group.size() ? base64_digits[(bits >> (18 - 6 * i)) & 63U] : '=');
    }
    return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        const auto digit = base64_digits.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU));
        }
    }
    return out;
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
    const auto* member = object.if_contains(name);
    if (member == nullptr || !member->is_string())
        return std::nullopt;
    return std::string{std::string_view{member->get_string()}};
}

/// Somebody else may have written the row; a client would have to refuse the packet.
bool fits_a_packet(std::string_view text) {
    return text.size() <= longest_text && is_mqtt_utf8(text);
}

std::optional<std::string> sendable(std::optional<std::string> text) {
    return text && fits_a_packet(*text) ? std::move(text) : std::nullopt;
}

template <class Number>
std::optional<Number> number_member(const json::object& object, std::string_view name) {
    const auto* member = object.if_contains(name);
    if (member == nullptr)
        return std::nullopt;
    json::error_code error;
    const auto number = member->to_number<Number>(error);
    return error ? std::nullopt : std::optional{number};
}

/// Takes `width` digits and the separator after them, if one is given.
bool take(std::string_view& text, std::size_t width, std::string_view separators, int& value) {
    if (text.size() < width)
        return false;
    const auto* const end = text.data() + width;
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end || text.front() == '-')
        return false;
    text.remove_prefix(width);
    if (separators.empty())
        return true;
    if (text.empty() || separators.find(text.front()) == std::string_view::npos)
        return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Micros> take_fraction(std::string_view& text) {
    if (text.empty() || text.front() != '.')
        return Micros{0};
    text.remove_prefix(1);
    std::int64_t micros = 0;
    std::int64_t unit = 100'000;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
        micros += unit * (text[digits] - '0');
        unit /= 10;
    }
    if (digits == 0)
        return std::nullopt;
    text.remove_prefix(digits);
    return Micros{micros};
}

/// Writes the digits of `value` so that they end before `end`; the places before hold zeros.
void put(std::string& text, std::size_t end, std::uint64_t value) {
    for (; value > 0; value /= 10) text[--end] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string format_time(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    // By hand: it is needed for every row, and a formatting library takes several times as long.
    std::string text = "0000-00-00 00:00:00.000000";
    put(text, 4, static_cast<std::uint64_t>(std::clamp(static_cast<int>(date.year()), 0, 9999)));
    put(text, 7, static_cast<unsigned>(date.month()));
    put(text, 10, static_cast<unsigned>(date.day()));
    put(text, 13, static_cast<std::uint64_t>(clock.hours().count()));
    put(text, 16, static_cast<std::uint64_t>(clock.minutes().count()));
    put(text, 19, static_cast<std::uint64_t>(clock.seconds().count()));
    put(text, 26, static_cast<std::uint64_t>(clock.subseconds().count()));
    return text;
}

std::string lower_bound_of_time(WallTime time) {
    auto text = format_time(time);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.')
        return text.substr(0, text.size() - 1);
    return text;
}

std::optional<WallTime> parse_time(std::string_view text) {
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take(text, 4, "-", year) || !take(text, 2, "-", month) || !take(text, 2, " T", day) ||
        !take(text, 2, ":", hour) || !take(text, 2, ":", minute) || !take(text, 2, "", second))
        return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction || !(text.empty() || text == "Z"))
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    const auto time = WallTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
                      std::chrono::minutes{minute} + std::chrono::seconds{second} + *fraction;
    // A leap second may lead into a year that has no text.
    constexpr std::chrono::sys_days end = std::chrono::year{10'000} / 1 / 1;
    if (time >= end)
        return std::nullopt;
    return time;
}

std::string format_properties(const MessageProperties& properties) {
    json::object object;
    if (properties.payload_format_indicator)
        object["payload_format_indicator"] = *properties.payload_format_indicator;
    if (properties.message_expiry_interval)
        object["message_expiry_interval"] = *properties.message_expiry_interval;
    if (properties.content_type)
        object["content_type"] = *properties.content_type;
    if (properties.response_topic)
        object["response_topic"] = *properties.response_topic;
    if (properties.correlation_data)
        object["correlation_data"] = encode_base64(*properties.correlation_data);
    if (!properties.user_properties.empty()) {
        json::array pairs;
        for (const auto& [name, value] : properties.user_properties)
            pairs.push_back(json::array{json::string{name}, json::string{value}});
        object["user_properties"] = std::move(pairs);
    }
    return json::serialize(object);
}

std::unique_ptr<const MessageProperties> parse_properties(std::string_view text) {
    json::error_code error;
    const auto value = json::parse(json::string_view{text.data(), text.size()}, error);
    if (error || !value.is_object())
        return nullptr;
    const auto& object = value.get_object();
    auto out = std::make_unique<MessageProperties>();
    out->payload_format_indicator = number_member<std::uint8_t>(object, "payload_format_indicator");
    if (out->payload_format_indicator > std::uint8_t{1})
        out->payload_format_indicator.reset();
    out->message_expiry_interval = number_member<std::uint32_t>(object, "message_expiry_interval");
    out->content_type = sendable(text_member(object, "content_type"));
    out->response_topic = sendable(text_member(object, "response_topic"));
    if (out->response_topic && !is_topic_name(*out->response_topic))
        out->response_topic.reset();
    if (const auto encoded = text_member(object, "correlation_data"))
        out->correlation_data = decode_base64(*encoded);
    if (out->correlation_data && out->correlation_data->size() > longest_text)
        out->correlation_data.reset();
    const auto* pairs = object.if_contains("user_properties");
    if (pairs == nullptr || !pairs->is_array())
        return out;
    for (const auto& pair : pairs->get_array()) {
        if (!pair.is_array() || pair.get_array().size() != 2 || !pair.get_array()[0].is_string() ||
            !pair.get_array()[1].is_string())
            continue;
        const std::string_view first{pair.get_array()[0].get_string()};
        const std::string_view second{pair.get_array()[1].get_string()};
        if (fits_a_packet(first) && fits_a_packet(second))
            out->user_properties.emplace_back(first, second);
    }
    return out;
}

}  // namespace keepmq::sql
