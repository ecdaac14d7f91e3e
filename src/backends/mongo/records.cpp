#include "backends/mongo/records.hpp"

#include <algorithm>

#include "backends/mongo/json.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"
#include "sql/params.hpp"

namespace keepmq::mongo {
namespace {

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// A JSON payload as a document, and its bytes beside it where the document does not give them
/// back.
bool add_embedded(Document& to, std::string_view payload) {
    const auto embedded = embed(payload);
    if (!embedded)
        return false;
    if (embedded->is_array)
        to.array("payload", embedded->document);
    else
        to.child("payload", embedded->document);
    if (!embedded->is_exact)
        to.text("payload_raw", payload);
    return true;
}

void add_message(Document& to,
                 const Message& message,
                 std::optional<std::chrono::seconds> time_to_live,
                 store::PayloadForm form) {
    to.text("topic", message.topic.view());
    to.text("msgid", message.id.to_string());
    to.text("sender", message.sender.view());
    to.integer("qos", static_cast<std::int64_t>(message.qos));
    to.integer("retain", message.retain ? 1 : 0);
    if (form == store::PayloadForm::bytes || !add_embedded(to, message.payload))
        add_bytes(to, "payload", message.payload);
    to.integer("arrived", seconds_of(message.at));
    if (message.properties)
        to.text("properties", sql::format_properties(*message.properties));
    if (time_to_live)
        to.date("expire_at", message.at + *time_to_live);
}

std::string bytes_of(const Field& field) {
    switch (field.kind) {
        case Kind::text:
        case Kind::binary:
            return std::string{field.value};
        case Kind::document:
        case Kind::array:
            return to_json(field.value, field.kind == Kind::array);
        case Kind::null:
            return {};
        default:
            return to_json(field);
    }
}

bool is_number(const Field& field) {
    return field.kind == Kind::int32 || field.kind == Kind::int64 || field.kind == Kind::real;
}

}  // namespace

void add_bytes(Document& to, std::string_view name, std::string_view bytes) {
    if (is_mqtt_utf8(bytes))
        to.text(name, bytes);
    else
        to.binary(name, bytes);
}

Document to_document(const store::StoreMessage& op, std::int64_t id, store::PayloadForm form) {
    Document document;
    document.integer("_id", id);
    add_message(document, *op.message, op.time_to_live, form);
    return document;
}

Document to_document(const store::StoreRetained& op, store::PayloadForm form) {
    Document document;
    add_message(document, *op.message, op.time_to_live, form);
    return document;
}

MessagePtr parse_message(std::string_view bson, Source source) {
    auto message = std::make_shared<Message>();
    std::optional<std::int64_t> number;
    std::optional<std::int64_t> arrived;
    std::optional<MessageId> known;
    bool has_raw = false;
    for (const auto& field : fields_of(bson)) {
        const auto& name = field.name;
        if (name == "_id" && is_number(field))
            number = field.integer();
        else if (name == "topic")
            message->topic = TopicName{bytes_of(field)};
        else if (name == "msgid")
            known = MessageId::parse(field.kind == Kind::text ? field.value : std::string_view{});
        else if (name == "sender")
            message->sender = ClientId{bytes_of(field)};
        else if (name == "qos")
            message->qos =
                static_cast<Qos>(std::clamp<std::int64_t>(field.integer().value_or(0), 0, 2));
        else if (name == "retain")
            message->retain = field.integer().value_or(0) != 0;
        else if ((name == "payload" && !has_raw) ||
                 (name == "payload_raw" && (has_raw = field.kind != Kind::null)))
            message->payload = bytes_of(field);
        else if (name == "arrived" || name == "timestamp")
            arrived = field.integer();
        else if (name == "properties")
            message->properties = sql::parse_properties(bytes_of(field));
    }
    const bool is_stored = source == Source::messages;
    if (message->topic.empty() || (is_stored && !number))
        return nullptr;
    message->at = sql::time_of_arrival(arrived ? sql::time_of_number(*arrived) : std::nullopt,
                                       known.value_or(MessageId{}));
    if (known)
        message->id = *known;
    else if (is_stored)
        message->id = sql::id_of_row(*number);
    else
        message->id = {static_cast<std::uint64_t>(message->at.time_since_epoch().count()), 0};
    message->retain |= !is_stored;
    message->stored = true;
    return message;
}

std::int64_t number_of(std::string_view bson, std::string_view name) {
    const auto field = find(bson, name);
    return field ? field->integer().value_or(0) : 0;
}

}  // namespace keepmq::mongo
