#include "admin/json_text.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "model/topic.hpp"

namespace keepmq::admin {
namespace json = boost::json;

json::string json_text(std::string_view text) {
    if (is_mqtt_utf8(text))
        return json::string{text};
    json::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x80)
            out.push_back(c);
        else
            out.append("\xEF\xBF\xBD");
    }
    return out;
}

void add_payload(json::object& out, std::string_view payload) {
    if (is_mqtt_utf8(payload)) {
        out["payload"] = json::string{payload};
        out["encoding"] = "plain";
    } else {
        out["payload"] = base64(payload);
        out["encoding"] = "base64";
    }
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto group = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8U | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= group.size() ? digits[bits >> (18U - 6U * k) & 63U] : '=';
    }
    return out;
}

std::string iso_time(WallTime time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<milliseconds>(time - day)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()),
                       clock.hours().count(),
                       clock.minutes().count(),
                       clock.seconds().count(),
                       clock.subseconds().count());
}

json::value json_time(WallTime time) {
    if (time == WallTime{})
        return nullptr;
    return json::value(iso_time(time));  // NOLINT(modernize-return-braced-init-list): an array
}

std::string uptime_text(std::chrono::seconds uptime) {
    const auto total = uptime.count();
    std::string out;
    if (total >= 86'400)
        out += fmt::format("{} days, ", total / 86'400);
    if (total >= 3'600)
        out += fmt::format("{} hours, ", total / 3'600 % 24);
    if (total >= 60)
        out += fmt::format("{} minutes, ", total / 60 % 60);
    return out + fmt::format("{} seconds", total % 60);
}

}  // namespace keepmq::admin
