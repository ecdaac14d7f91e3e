#include "sessions/properties.hpp"

namespace keepmq::sessions {
namespace {

// Fields of a tag, four bytes of length and the value; a user property is two fields.
enum class Tag : char {
    payload_format = 'f',
    expiry = 'e',
    content_type = 't',
    response_topic = 'r',
    correlation = 'c',
    user_name = 'n',
    user_value = 'v',
};

void put_number(std::string& out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
}

std::uint32_t number_at(std::string_view bytes) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8U | static_cast<unsigned char>(bytes[i]);
    return number;
}

void put(std::string& out, Tag tag, std::string_view value) {
    out.push_back(static_cast<char>(tag));
    put_number(out, static_cast<std::uint32_t>(value.size()));
    out += value;
}

void put(std::string& out, Tag tag, std::uint32_t value) {
    std::string bytes;
    put_number(bytes, value);
    put(out, tag, bytes);
}

/// False for a value that the tag does not have.
bool take(MessageProperties& into, Tag tag, std::string_view value) {
    switch (tag) {
        case Tag::payload_format:
        case Tag::expiry:
            if (value.size() != 4)
                return false;
            if (tag == Tag::expiry)
                into.message_expiry_interval = number_at(value);
            else
                into.payload_format_indicator = static_cast<std::uint8_t>(number_at(value));
            return true;
        case Tag::content_type:
            into.content_type = value;
            return true;
        case Tag::response_topic:
            into.response_topic = value;
            return true;
        case Tag::correlation:
            into.correlation_data = value;
            return true;
        case Tag::user_name:
            into.user_properties.emplace_back(value, "");
            return true;
        case Tag::user_value:
            if (into.user_properties.empty())
                return false;
            into.user_properties.back().second = value;
            return true;
    }
    return false;
}

}  // namespace

std::string encode(const MessageProperties* properties) {
    std::string out;
    if (properties == nullptr)
        return out;
    if (properties->payload_format_indicator)
        put(out, Tag::payload_format, std::uint32_t{*properties->payload_format_indicator});
    if (properties->message_expiry_interval)
        put(out, Tag::expiry, *properties->message_expiry_interval);
    if (properties->content_type)
        put(out, Tag::content_type, *properties->content_type);
    if (properties->response_topic)
        put(out, Tag::response_topic, *properties->response_topic);
    if (properties->correlation_data)
        put(out, Tag::correlation, *properties->correlation_data);
    for (const auto& [name, value] : properties->user_properties) {
        put(out, Tag::user_name, name);
        put(out, Tag::user_value, value);
    }
    return out;
}

std::optional<std::unique_ptr<const MessageProperties>> decode_properties(std::string_view bytes) {
    if (bytes.empty())
        return std::unique_ptr<const MessageProperties>{};
    auto properties = std::make_unique<MessageProperties>();
    while (!bytes.empty()) {
        constexpr std::size_t head = 5;
        if (bytes.size() < head)
            return std::nullopt;
        const auto tag = static_cast<Tag>(bytes.front());
        const std::size_t size = number_at(bytes.substr(1));
        bytes.remove_prefix(head);
        if (bytes.size() < size || !take(*properties, tag, bytes.substr(0, size)))
            return std::nullopt;
        bytes.remove_prefix(size);
    }
    return properties;
}

std::string encode(const std::vector<std::uint32_t>& numbers) {
    std::string out;
    for (const auto number : numbers) put_number(out, number);
    return out;
}

std::optional<std::vector<std::uint32_t>> decode_numbers(std::string_view bytes) {
    if (bytes.size() % 4 != 0)
        return std::nullopt;
    std::vector<std::uint32_t> numbers;
    for (; !bytes.empty(); bytes.remove_prefix(4)) numbers.push_back(number_at(bytes));
    return numbers;
}

}  // namespace keepmq::sessions
