#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>

#include "hooks/subject.hpp"
#include "model/topic.hpp"

namespace keepmq::hooks {
namespace json = boost::json;
namespace {

store::Value text_or_null(std::string_view text) {
    if (text.empty())
        return std::monostate{};
    return std::string{text};
}

template <class Unit>
std::int64_t since_epoch(WallTime at) {
    return std::chrono::floor<Unit>(at).time_since_epoch().count();
}

const json::value* step(const json::value& from, const std::string& name) {
    if (const auto* object = from.if_object())
        return object->if_contains(name);
    const auto* array = from.if_array();
    if (array == nullptr)
        return nullptr;
    std::size_t index = 0;
    const auto* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, index);
    return error == std::errc{} && stop == end ? array->if_contains(index) : nullptr;
}

store::Value to_value(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return std::monostate{};
        case json::kind::bool_:
            return static_cast<std::int64_t>(value.get_bool());
        case json::kind::int64:
            return value.get_int64();
        case json::kind::double_:
            return value.get_double();
        case json::kind::string: {
            const auto& text = value.get_string();
            return std::string{text.data(), text.size()};
        }
        case json::kind::uint64:  // beyond a signed integer: exact as text
        case json::kind::array:
        case json::kind::object:
            break;
    }
    return json::serialize(value);
}

}  // namespace

struct Evaluator::Payload {
    json::value root;
    bool valid = false;
};

Evaluator::Evaluator(const Subject& subject, std::string_view node)
    : subject_{subject}, node_{node} {}

Evaluator::~Evaluator() = default;

store::Value Evaluator::operator()(const Parameter& parameter) {
    auto found = value(parameter);
    if (parameter.fallback && std::holds_alternative<std::monostate>(found))
        return *parameter.fallback;
    return found;
}

store::Value Evaluator::member(const Parameter& parameter) {
    if (subject_.message == nullptr)
        return std::monostate{};
    if (!payload_) {
        payload_ = std::make_unique<Payload>();
        json::error_code error;
        payload_->root = json::parse(subject_.message->payload, error);
        payload_->valid = !error;
    }
    const auto* at = payload_->valid ? &payload_->root : nullptr;
    for (const auto& name : parameter.path) {
        if (at == nullptr)
            break;
        at = step(*at, name);
    }
    return at == nullptr ? store::Value{} : to_value(*at);
}

store::Value Evaluator::value(const Parameter& parameter) {
    const auto* message = subject_.message;
    switch (parameter.variable) {
        case Variable::clientid:
            return text_or_null(subject_.client);  // empty: published by the broker itself
        case Variable::username:
            return text_or_null(subject_.username);
        case Variable::peerhost:
            return text_or_null(subject_.peerhost);
        case Variable::node:
            return std::string{node_};
        case Variable::reason:
            return text_or_null(subject_.reason);
        case Variable::topic:
            return text_or_null(subject_.topic);
        case Variable::qos:
            return subject_.qos < 0 ? store::Value{} : std::int64_t{subject_.qos};
        case Variable::ts:
            return since_epoch<std::chrono::seconds>(subject_.at);
        case Variable::timestamp:
        case Variable::ts_ms:
            return since_epoch<std::chrono::milliseconds>(subject_.at);
        case Variable::ts_us:
            return since_epoch<Micros>(subject_.at);
        case Variable::ts_iso:
            return to_iso(subject_.at);
        case Variable::payload_json:
            return member(parameter);
        case Variable::retain:
        case Variable::msgid:
        case Variable::payload:
        case Variable::payload_text:
        case Variable::payload_hex:
        case Variable::payload_base64:
        case Variable::message:
            break;
    }
    if (message == nullptr)
        return std::monostate{};
    switch (parameter.variable) {
        case Variable::retain:
            return std::int64_t{message->retain ? 1 : 0};
        case Variable::msgid:
            return message->id.to_string();
        case Variable::payload:
            return store::Bytes{message->payload};
        case Variable::payload_text:
            return is_mqtt_utf8(message->payload) ? store::Value{message->payload} : store::Value{};
        case Variable::payload_hex:
            return to_hex(message->payload);
        case Variable::payload_base64:
            return to_base64(message->payload);
        case Variable::message:
            return message_json(*message);
        default:
            return std::monostate{};
    }
}

store::Value evaluate(const Parameter& parameter, const Event& event, std::string_view node) {
    const auto subject = subject_of(event);
    return Evaluator{subject, node}(parameter);
}

}  // namespace keepmq::hooks
