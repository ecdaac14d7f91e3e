#include "backends/cassa/translate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/overloaded.hpp"
#include "sql/columns.hpp"
#include "sql/users.hpp"

namespace keepmq::cassa {
namespace {

std::int64_t number(Qos qos) {
    return static_cast<std::int64_t>(qos);
}

Param properties_of(const Message& message) {
    return message.properties ? Param{sql::format_properties(*message.properties)} : Param{};
}

Param seconds_or_default(std::optional<std::chrono::seconds> time_to_live) {
    return time_to_live ? Param{std::int64_t{time_to_live->count()}} : Param{Unset{}};
}

Param limit_of(std::size_t limit) {
    return static_cast<std::int64_t>(limit);
}

std::string in_lower_case(std::string_view text) {
    std::string out{text};
    std::ranges::transform(
        out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

}  // namespace

Translator::Translator(const Layout& layout)
    : layout_{layout},
      columns_{fmt::format("topic, msgid, sender, qos, payload, arrived, retain{}",
                           layout.message_properties ? ", properties" : "")},
      insert_message_{fmt::format("insert into msg ({}) values (?, ?, ?, ?, ?, ?, ?{}) using ttl ?",
                                  columns_,
                                  layout.message_properties ? ", ?" : "")} {}

Command Translator::connected_of(const ClientId& client) const {
    return {fmt::format("select connected from client where {} = ?", layout_.client_in_client),
            {client.view()}};
}

Command Translator::position_of(std::string_view client, std::string_view filter) const {
    return {
        fmt::format("select msgid from acked where {} = ? and topic = ?", layout_.client_in_acked),
        {client, filter}};
}

Command Translator::retained_id_of(std::string_view topic) {
    return {"select msgid from retain where topic = ?", {topic}};
}

Command Translator::newest_of(std::string_view topic) {
    return {"select msgid from msg where topic = ? order by msgid desc limit 1", {topic}};
}

Command Translator::stored(std::string_view topic, const MessageId& id) {
    return {"select msgid from msg where topic = ? and msgid = ?", {topic, id.to_string()}};
}

Command Translator::online(const store::ClientOnline& op) const {
    return {fmt::format("insert into client ({}, node, state, connected, disconnected) "
                        "values (?, ?, 1, ?, null)",
                        layout_.client_in_client),
            {op.client.view(), std::string_view{op.node}, op.at}};
}

Command Translator::offline(const store::ClientOffline& op) const {
    return {fmt::format("update client set state = 0, disconnected = ? where {} = ?",
                        layout_.client_in_client),
            {op.at, op.client.view()}};
}

/// A column without a value is left unset: a null would be written, as a tombstone.
Command Translator::store_message(const Message& message,
                                  std::optional<std::chrono::seconds> time_to_live) const {
    Command out{insert_message_,
                {message.topic.view(),
                 message.id.to_string(),
                 message.sender.view(),
                 number(message.qos),
                 sql::BlobView{message.payload},
                 message.at,
                 std::int64_t{message.retain}}};
    if (layout_.message_properties)
        out.params.push_back(message.properties ? properties_of(message) : Param{Unset{}});
    out.params.push_back(seconds_or_default(time_to_live));
    return out;
}

std::vector<Command> Translator::store_retained(const store::StoreRetained& op) const {
    const auto& message = *op.message;
    const auto ttl = seconds_or_default(op.time_to_live);
    if (!layout_.retained_body) {
        auto body = store_message(message, op.time_to_live);
        body.params[6] = std::int64_t{1};
        return {std::move(body),
                {"insert into retain (topic, msgid) values (?, ?) using ttl ?",
                 {message.topic.view(), message.id.to_string(), ttl}}};
    }
    const bool properties = layout_.retained_properties;
    Command out{fmt::format("insert into retain (topic, msgid, sender, qos, payload, arrived{}) "
                            "values (?, ?, ?, ?, ?, ?{}) using ttl ?",
                            properties ? ", properties" : "",
                            properties ? ", ?" : ""),
                {message.topic.view(),
                 message.id.to_string(),
                 message.sender.view(),
                 number(message.qos),
                 sql::BlobView{message.payload},
                 message.at}};
    if (properties)
        out.params.push_back(properties_of(message));
    out.params.push_back(ttl);
    return {std::move(out)};
}

Command Translator::delete_retained(std::string_view topic) {
    return {"delete from retain where topic = ?", {topic}};
}

Command Translator::delete_superseded(std::string_view topic, std::string_view id) {
    return {"delete from msg where topic = ? and msgid = ? if qos = 0", {topic, std::string{id}}};
}

Command Translator::set_position(std::string_view client,
                                 std::string_view filter,
                                 std::string id) const {
    return {fmt::format("insert into acked ({}, topic, msgid) values (?, ?, ?)",
                        layout_.client_in_acked),
            {client, filter, std::move(id)}};
}

Command Translator::delete_position(const store::DeleteCursor& op) const {
    return {fmt::format("delete from acked where {} = ? and topic = ?", layout_.client_in_acked),
            {op.client.view(), op.filter.view()}};
}

Command Translator::remove_message(const store::RemoveMessage& op) {
    return {"delete from msg where topic = ? and msgid = ?", {op.topic.view(), op.id.to_string()}};
}

Command Translator::delete_older(const Message& message) {
    return {"delete from msg where topic = ? and msgid < ?",
            {message.topic.view(), message.id.to_string()}};
}

Command Translator::subscriptions_of(const ClientId& client) const {
    return {fmt::format("select topic, qos from sub where {} = ?", layout_.client_in_sub),
            {client.view()}};
}

Command Translator::retained_topics() {
    return {"select topic from retain", {}};
}

Command Translator::retained(std::string_view topic) const {
    return {
        fmt::format("select topic, msgid{} from retain where topic = ?",
                    !layout_.retained_body        ? ""
                    : layout_.retained_properties ? ", sender, qos, payload, arrived, properties"
                                                  : ", sender, qos, payload, arrived"),
        {topic}};
}

Command Translator::message(std::string_view topic, std::string id) const {
    return {fmt::format("select {} from msg where topic = ? and msgid = ?", columns_),
            {topic, std::move(id)}};
}

Command Translator::oldest_messages(std::string_view topic,
                                    std::string after,
                                    std::size_t limit) const {
    return {
        fmt::format("select {} from msg where topic = ? and msgid > ? order by msgid asc limit ?",
                    columns_),
        {topic, std::move(after), limit_of(limit)}};
}

Command Translator::messages(std::string_view topic, std::string after, std::string last) const {
    return {fmt::format("select {} from msg where topic = ? and msgid > ? and msgid <= ? "
                        "order by msgid asc",
                        columns_),
            {topic, std::move(after), std::move(last)}};
}

Command Translator::ids(std::string_view topic, std::string after, std::size_t limit) {
    return {"select msgid from msg where topic = ? and msgid > ? order by msgid asc limit ?",
            {topic, std::move(after), limit_of(limit)}};
}

Command Translator::topics(const std::optional<std::string>& from, std::size_t limit) {
    if (!from)
        return {"select distinct topic from msg limit ?", {limit_of(limit)}};
    return {"select distinct topic from msg where token(topic) >= token(?) limit ?",
            {*from, limit_of(limit)}};
}

std::string join(const store::Statement& statement) {
    return sql::join(statement, "?", sql::Numbered::no);
}

Param to_param(const store::Value& value) {
    return std::visit(
        Overloaded{
            [](const std::string& text) { return Param{std::string_view{text}}; },
            [](const store::Bytes& bytes) { return Param{sql::BlobView{bytes.data}}; },
            [](const auto& other) { return Param{other}; },
        },
        value);
}

bool is_plain_write(std::string_view cql) {
    const auto text = in_lower_case(cql.substr(std::min(cql.find_first_not_of(" \t"), cql.size())));
    const bool writes =
        text.starts_with("insert ") || text.starts_with("update ") || text.starts_with("delete ");
    return writes && text.find(" if ") == std::string::npos;
}

}  // namespace keepmq::cassa
