#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "hooks/subject.hpp"
#include "model/topic.hpp"

namespace keepmq::hooks {

std::string to_hex(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4U];
        text += digits[byte & 0x0FU];
    }
    return text;
}

std::string to_base64(std::string_view bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto part = bytes.substr(at, 3);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = (group << 8U) | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= part.size() ? digits[(group >> (18U - 6U * i)) & 0x3FU] : '=';
    }
    return text;
}

std::string to_iso(WallTime at) {
    using namespace std::chrono;
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss<Micros> time{at - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()),
                       time.hours().count(),
                       time.minutes().count(),
                       time.seconds().count(),
                       time.subseconds().count());
}

std::string message_json(const Message& message) {
    const bool text = is_mqtt_utf8(message.payload);
    boost::json::object object;
    object["id"] = message.id.to_string();
    object["from"] = message.sender.view();
    object["qos"] = static_cast<int>(message.qos);
    object["topic"] = message.topic.view();
    object["retain"] = message.retain;
    object["payload"] = text ? message.payload : to_base64(message.payload);
    object["ts"] = std::chrono::floor<std::chrono::seconds>(message.at).time_since_epoch().count();
    if (!text)
        object["encoding"] = "base64";
    return boost::json::serialize(object);
}

}  // namespace keepmq::hooks
