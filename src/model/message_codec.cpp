#include "model/message_codec.hpp"

namespace keepmq::bytes {
namespace {

void put(Writer& to, const MessageProperties& from) {
    const auto text = [&](const std::string& value) { to.text(value); };
    to.optional(from.payload_format_indicator, [&](std::uint8_t value) { to.byte(value); });
    to.optional(from.message_expiry_interval, [&](std::uint32_t value) { to.fixed(value); });
    to.optional(from.content_type, text);
    to.optional(from.response_topic, text);
    to.optional(from.correlation_data, text);
    to.size(from.user_properties.size());
    for (const auto& [name, value] : from.user_properties) {
        to.text(name);
        to.text(value);
    }
}

std::unique_ptr<const MessageProperties> read_properties(Reader& from) {
    auto to = std::make_unique<MessageProperties>();
    const auto text = [&] { return from.text(); };
    to->payload_format_indicator = from.optional([&] { return from.byte(); });
    to->message_expiry_interval = from.optional([&] {
        const std::uint64_t value = from.fixed();
        if (value > UINT32_MAX)
            from.refuse("an expiry interval is too long");
        return static_cast<std::uint32_t>(value);
    });
    to->content_type = from.optional(text);
    to->response_topic = from.optional(text);
    to->correlation_data = from.optional(text);
    for (std::size_t left = from.size(); left > 0 && !from.failed(); --left) {
        std::string name = from.text();
        to->user_properties.emplace_back(std::move(name), from.text());
    }
    return to;
}

}  // namespace

void put(Writer& to, const Message& from) {
    to.id(from.id);
    to.text(from.topic);
    to.text(from.payload);
    to.choice(from.qos);
    to.flag(from.retain);
    to.flag(from.stored);
    to.text(from.sender);
    to.text(from.username);
    to.text(from.peerhost);
    to.time(from.at);
    to.flag(from.properties != nullptr);
    if (from.properties)
        put(to, *from.properties);
}

std::shared_ptr<Message> read_message(Reader& from) {
    auto to = std::make_shared<Message>();
    to->id = from.id();
    to->topic = from.name<TopicName>();
    to->payload = from.text();
    to->qos = from.choice(Qos::exactly_once);
    to->retain = from.flag();
    to->stored = from.flag();
    to->sender = from.name<ClientId>();
    to->username = from.text();
    to->peerhost = from.text();
    to->at = from.time();
    if (from.flag())
        to->properties = read_properties(from);
    return to;
}

}  // namespace keepmq::bytes
