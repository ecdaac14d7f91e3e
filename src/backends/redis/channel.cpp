#include "backends/redis/channel.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "backends/redis/records.hpp"
#include "model/topic.hpp"

namespace keepmq::redis {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
    const auto* const member = object.if_contains(name);
    if (member == nullptr || !member->is_string())
        return {};
    return std::string{std::string_view{member->get_string()}};
}

/// A number or a text; -1 for anything else.
std::int64_t qos_of(const json::object& object) {
    const auto* const member = object.if_contains("qos");
    if (member == nullptr)
        return -1;
    if (member->is_string())
        return parse_qos(std::string_view{member->get_string()});
    const auto* const number = member->if_int64();
    return number == nullptr ? -1 : *number;
}

}  // namespace

std::variant<store::ChannelCommand, std::string> parse_command(std::string_view text) {
    json::error_code error;
    const auto value = json::parse(json::string_view{text.data(), text.size()}, error);
    if (error || !value.is_object())
        return "not a JSON object";
    const auto& object = value.get_object();
    store::ChannelCommand command;
    command.client = ClientId{text_of(object, "clientid")};
    command.filter = TopicFilter{text_of(object, "topic")};
    if (command.client.empty())
        return "`clientid` is missing";
    if (!is_topic_filter(command.filter.view()) || !is_mqtt_utf8(command.filter.view()))
        return "`topic` is not a topic filter";
    const auto type = text_of(object, "type");
    if (type == "unsubscribe")
        return command;
    if (type != "subscribe")
        return "`type` is neither subscribe nor unsubscribe";
    const auto qos = qos_of(object);
    if (qos < 0 || qos > 2)
        return "`qos` is not 0, 1 or 2";
    command.qos = static_cast<Qos>(qos);
    return command;
}

}  // namespace keepmq::redis
