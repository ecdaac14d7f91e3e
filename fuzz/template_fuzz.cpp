// Statements with ${...}, and the values for them. Input: a letter for the hook, the statement,
// topic, client and payload, each ended by a zero character.

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/subject.hpp"
#include "hooks/template.hpp"
#include "model/topic.hpp"

namespace {

using namespace keepmq;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::string_view take(std::string_view& rest) {
    const auto end = rest.find('\0');
    const auto field = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return field;
}

Event event_of(Hook hook, const std::shared_ptr<Message>& message) {
    const ClientInfo who{message->sender, message->username, message->peerhost};
    const auto at = message->at;
    const TopicFilter filter{message->topic.view()};
    switch (hook) {
        case Hook::client_connected:
            return ClientConnected{who, at};
        case Hook::client_disconnected:
            return ClientDisconnected{who, at, at, message->payload};
        case Hook::session_created:
            return SessionCreated{who, at};
        case Hook::session_resumed:
            return SessionResumed{who, at};
        case Hook::session_subscribed:
            return SessionSubscribed{who, at, filter, false, message->qos};
        case Hook::session_unsubscribed:
            return SessionUnsubscribed{who, at, filter, false};
        case Hook::session_terminated:
            return SessionTerminated{who, at, message->payload};
        case Hook::message_publish:
            return MessagePublish{message};
        case Hook::message_delivered:
            return MessageDelivered{who, at, message, message->qos};
        case Hook::message_acked:
            return MessageAcked{who, at, message, message->qos};
    }
    std::abort();
}

std::string without_quotes(std::string text) {
    std::erase(text, '\'');
    return text;
}

/// Nothing of the text may get lost but the quotes of '${x}'.
void check_pieces(const hooks::CompiledStatement& compiled, std::string_view text, bool exact) {
    const auto& statement = compiled.statement;
    require(statement.pieces.size() == compiled.parameters.size() + 1);
    std::string joined;
    for (std::size_t i = 0; i < statement.pieces.size(); ++i) {
        joined += statement.pieces[i];
        if (i < compiled.parameters.size())
            joined += compiled.parameters[i].source;
    }
    require(statement.source == text);
    require(exact ? joined == text : without_quotes(joined) == without_quotes(std::string{text}));
}

std::string from_hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
    return bytes;
}

void check_message(const Message& message, std::string_view text) {
    if (!is_mqtt_utf8(message.topic.view()) || !is_mqtt_utf8(message.sender.view()))
        return;  // no such message gets past the codec
    boost::json::error_code failed;
    const auto json = boost::json::parse({text.data(), text.size()}, failed);
    require(!failed && json.is_object());
    const auto& topic = json.get_object().at("topic").get_string();
    require(std::string_view{topic.data(), topic.size()} == message.topic.view());
}

void check_value(const hooks::Parameter& parameter,
                 const store::Value& value,
                 const Message& message) {
    using hooks::Variable;
    if (parameter.fallback)
        require(!std::holds_alternative<std::monostate>(value));
    const auto* text = std::get_if<std::string>(&value);
    switch (parameter.variable) {
        case Variable::payload:
            require(std::get<store::Bytes>(value).data == message.payload);
            break;
        case Variable::payload_text:
            if (!parameter.fallback)
                require((text != nullptr) == is_mqtt_utf8(message.payload));
            break;
        case Variable::payload_hex:
            require(text != nullptr && from_hex(*text) == message.payload);
            break;
        case Variable::payload_base64:
            require(text != nullptr && text->size() == (message.payload.size() + 2) / 3 * 4);
            break;
        case Variable::message:
            require(text != nullptr);
            check_message(message, *text);
            break;
        case Variable::msgid:
            require(text != nullptr && text->size() == 20);
            break;
        case Variable::ts:
        case Variable::ts_ms:
        case Variable::ts_us:
        case Variable::timestamp:
            require(std::holds_alternative<std::int64_t>(value));
            break;
        case Variable::ts_iso:
            require(text != nullptr && text->size() == 27 && text->ends_with('Z'));
            break;
        default:
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 8'192)
        return 0;
    std::string_view rest;
    if (size > 0)
        rest = {reinterpret_cast<const char*>(data), size};
    const auto choice = take(rest);
    const auto number = choice.empty() ? 0U : static_cast<unsigned char>(choice.front());
    const auto hook = static_cast<Hook>(number % hook_count);
    const auto statement = take(rest);
    auto message = std::make_shared<Message>();
    message->topic = TopicName{take(rest)};
    message->sender = ClientId{take(rest)};
    message->payload = std::string{rest};
    message->qos = static_cast<Qos>(size % 3);
    message->retain = size % 2 == 0;
    message->at = WallTime{Micros{static_cast<std::int64_t>(size) * 1'234'567'890'123}};
    const auto event = event_of(hook, message);
    for (auto* const compile : {&hooks::compile_sql, &hooks::compile_command}) {
        Diagnostics diagnostics;
        const auto compiled = (*compile)(statement, hook, {"f", 1}, "k", diagnostics);
        require(compiled.has_value() == !diagnostics.has_errors());
        if (!compiled)
            continue;
        check_pieces(
            *compiled, statement, compile == &hooks::compile_command || diagnostics.all().empty());
        for (const auto& parameter : compiled->parameters)
            check_value(parameter, hooks::evaluate(parameter, event, "node"), *message);
    }
    return 0;
}
