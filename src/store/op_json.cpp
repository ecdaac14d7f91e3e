#include "store/op_json.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/overloaded.hpp"
#include "model/topic.hpp"

namespace keepmq::store {
namespace {

namespace json = boost::json;

json::value hex(std::string_view bytes) {
    std::string digits;
    digits.reserve(bytes.size() * 2);
    for (const char c : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return json::object{{"hex", digits}};
}

json::value text(std::string_view bytes) {
    if (is_mqtt_utf8(bytes))
        return json::string{bytes};
    return hex(bytes);
}

template <class Tag>
json::value text(const Named<Tag>& name) {
    return text(name.view());
}

json::value micros(WallTime time) {
    return time.time_since_epoch().count();
}

json::value seconds(const std::optional<std::chrono::seconds>& time) {
    // Parentheses: braces would make an array of one.
    return time ? json::value(time->count()) : json::value();
}

template <class T>
void set(json::object& to, std::string_view key, const std::optional<T>& value) {
    if (!value)
        return;
    if constexpr (std::is_same_v<T, std::string>)
        to[key] = text(*value);
    else
        to[key] = *value;
}

json::object properties_of(const MessageProperties& from) {
    json::object to;
    set(to, "payload_format_indicator", from.payload_format_indicator);
    set(to, "message_expiry_interval", from.message_expiry_interval);
    set(to, "content_type", from.content_type);
    set(to, "response_topic", from.response_topic);
    if (from.correlation_data)
        to["correlation_data"] = hex(*from.correlation_data);
    json::array user;
    for (const auto& [name, value] : from.user_properties)
        user.push_back(json::array{text(name), text(value)});
    if (!user.empty())
        to["user_properties"] = std::move(user);
    return to;
}

json::object message_of(const Message& message) {
    json::object to{{"id", message.id.to_string()},
                    {"topic", text(message.topic)},
                    {"qos", static_cast<int>(message.qos)},
                    {"retain", message.retain},
                    {"sender", text(message.sender)},
                    {"username", text(message.username)},
                    {"peerhost", text(message.peerhost)},
                    {"at", micros(message.at)}};
    if (message.properties)
        to["properties"] = properties_of(*message.properties);
    return to;
}

json::array statements_of(const Statements& statements) {
    json::array all;
    for (const Statement& statement : statements.list) {
        json::array pieces;
        for (const std::string& piece : statement.pieces) pieces.push_back(text(piece));
        all.push_back(
            json::object{{"source", text(statement.source)}, {"pieces", std::move(pieces)}});
    }
    return all;
}

json::array values_of(const std::vector<Value>& values) {
    json::array all;
    for (const Value& value : values)
        all.push_back(std::visit(Overloaded{[](std::monostate) { return json::value{}; },
                                            [](std::int64_t v) { return json::value(v); },
                                            [](double v) { return json::value(v); },
                                            [](const std::string& v) { return text(v); },
                                            [](const Bytes& v) { return hex(v.data); }},
                                 value));
    return all;
}

json::object members_of(const ClientOnline& op) {
    return {{"client", text(op.client)}, {"node", text(op.node)}, {"at", micros(op.at)}};
}
json::object members_of(const ClientOffline& op) {
    return {{"client", text(op.client)},
            {"node", text(op.node)},
            {"at", micros(op.at)},
            {"connected_at", micros(op.connected_at)}};
}
std::string_view form_of(PayloadForm form) {
    return form == PayloadForm::bytes ? "bytes" : "document";
}

json::object members_of(const StoreMessage& op) {
    return {{"message", message_of(*op.message)},
            {"keep", op.keep == Keep::all ? "all" : "latest"},
            {"time_to_live", seconds(op.time_to_live)},
            {"form", form_of(op.form)}};
}
json::object members_of(const StoreRetained& op) {
    return {{"message", message_of(*op.message)},
            {"time_to_live", seconds(op.time_to_live)},
            {"form", form_of(op.form)}};
}
json::object members_of(const DeleteRetained& op) {
    return {{"topic", text(op.topic)}};
}
json::object members_of(const InitCursor& op) {
    return {{"client", text(op.client)},
            {"filter", text(op.filter)},
            {"from", op.from == FetchFrom::earliest ? "earliest" : "latest"},
            {"at", micros(op.at)}};
}
json::object members_of(const AdvanceCursor& op) {
    return {{"client", text(op.client)},
            {"topic", text(op.topic)},
            {"id", op.id.to_string()},
            {"at", micros(op.at)}};
}
json::object members_of(const DeleteCursor& op) {
    return {{"client", text(op.client)}, {"filter", text(op.filter)}};
}
json::object members_of(const RemoveMessage& op) {
    return {{"topic", text(op.topic)}, {"id", op.id.to_string()}};
}
json::object members_of(const Execute& op) {
    return {{"statements", statements_of(*op.statements)}, {"values", values_of(op.values)}};
}

}  // namespace

std::string to_json(const Op& op) {
    json::object object{{"op", name_of(op)}};
    for (auto&& [key, value] : std::visit([](const auto& it) { return members_of(it); }, op))
        object[key] = std::move(value);
    return json::serialize(object);
}

}  // namespace keepmq::store
