#include "backends/redis/records.hpp"

#include <algorithm>
#include <charconv>

#include "sql/columns.hpp"
#include "sql/params.hpp"

namespace keepmq::redis {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
        return std::nullopt;
    return value;
}

}  // namespace

std::int64_t parse_qos(std::string_view text) {
    return parse_integer(text).value_or(-1);
}

MessagePtr parse_message(const Answer& hash, std::string_view id) {
    auto message = std::make_shared<Message>();
    std::optional<std::int64_t> ts;
    std::string_view own_id;
    for (std::size_t i = 0; i + 1 < hash.list.size(); i += 2) {
        const std::string_view field = hash.list[i].text;
        const auto& value = hash.list[i + 1].text;
        if (field == "id")
            own_id = value;
        else if (field == "topic")
            message->topic = TopicName{value};
        else if (field == "from")
            message->sender = ClientId{value};
        else if (field == "payload")
            message->payload = value;
        else if (field == "qos")
            message->qos = static_cast<Qos>(std::clamp<std::int64_t>(parse_qos(value), 0, 2));
        else if (field == "retain")
            message->retain = value == "true" || value == "1";
        else if (field == "ts")
            ts = parse_integer(value);
        else if (field == "properties")
            message->properties = sql::parse_properties(value);
    }
    const auto known = MessageId::parse(id.empty() ? own_id : id);
    if (!known || message->topic.empty())
        return nullptr;
    message->id = *known;
    message->at = sql::time_of_arrival(ts ? sql::time_of_number(*ts) : std::nullopt, *known);
    message->stored = true;
    return message;
}

}  // namespace keepmq::redis
