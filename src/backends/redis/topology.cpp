#include "backends/redis/topology.hpp"

#include <algorithm>
#include <charconv>

namespace keepmq::redis {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
        return std::nullopt;
    return number;
}

std::optional<std::uint16_t> to_port(std::optional<std::int64_t> number) {
    if (!number || *number < 1 || *number > 65'535)
        return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<std::size_t> to_slot(std::optional<std::int64_t> number) {
    if (!number || *number < 0 || *number >= static_cast<std::int64_t>(slot_count))
        return std::nullopt;
    return static_cast<std::size_t>(*number);
}

std::string_view take_word(std::string_view& text) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
}

std::optional<SlotRange> parse_range(const Answer& range, const store::Server& asked) {
    if (range.list.size() < 3 || range.list[2].list.size() < 2)
        return std::nullopt;
    const auto& node = range.list[2].list;
    const auto first = to_slot(range.list[0].integer);
    const auto last = to_slot(range.list[1].integer);
    const auto port = to_port(node[1].integer);
    if (!first || !last || !port)
        return std::nullopt;
    return SlotRange{*first, *last, {node[0].text.empty() ? asked.host : node[0].text, *port}};
}

}  // namespace

std::optional<store::Server> parse_master(const Answer& answer) {
    if (answer.list.size() != 2 || answer.list[0].text.empty())
        return std::nullopt;
    const auto port = to_port(parse_number(answer.list[1].text));
    if (!port)
        return std::nullopt;
    return store::Server{answer.list[0].text, *port};
}

std::optional<RoleOf> parse_role(const Answer& answer) {
    if (answer.list.empty())
        return std::nullopt;
    RoleOf role;
    role.is_master = answer.list[0].text == "master";
    if (role.is_master && answer.list.size() > 2)
        role.replicas = answer.list[2].list.size();
    return role;
}

std::uint16_t crc16(std::string_view bytes) {
    std::uint16_t crc = 0;
    for (const char c : bytes) {
        crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned char>(c) << 8U));
        for (int bit = 0; bit < 8; ++bit)
            crc = static_cast<std::uint16_t>((crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U
                                                                  : crc << 1U);
    }
    return crc;
}

std::size_t slot_of(std::string_view key) {
    const auto open = key.find('{');
    if (open != std::string_view::npos) {
        const auto close = key.find('}', open + 1);
        if (close != std::string_view::npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    return crc16(key) % slot_count;
}

std::string_view routing_key(const Command& command) {
    const auto& args = command.args;
    const auto name = args[0];
    const std::size_t at = name == "EVAL" || name == "EVALSHA" ? 3 : 1;
    return at < args.size() ? args[at] : std::string_view{};
}

std::optional<std::vector<SlotRange>> parse_slots(const Answer& answer,
                                                  const store::Server& asked) {
    if (answer.kind != Answer::Kind::list || answer.list.empty())
        return std::nullopt;
    std::vector<SlotRange> ranges;
    for (const auto& each : answer.list) {
        auto range = parse_range(each, asked);
        if (!range)
            return std::nullopt;
        ranges.push_back(*std::move(range));
    }
    return ranges;
}

std::optional<Redirect> parse_redirect(const Answer& answer, const store::Server& asked) {
    if (!answer.is_error())
        return std::nullopt;
    std::string_view text = answer.text;
    const auto word = take_word(text);
    if (word != "MOVED" && word != "ASK")
        return std::nullopt;
    const auto slot = to_slot(parse_number(take_word(text)));
    // An IPv6 address has colons of its own and no brackets here.
    const auto colon = text.rfind(':');
    if (!slot || colon == std::string_view::npos)
        return std::nullopt;
    const auto port = to_port(parse_number(text.substr(colon + 1)));
    if (!port)
        return std::nullopt;
    const auto host = text.substr(0, colon);
    return Redirect{word == "ASK", *slot, {host.empty() ? asked.host : std::string{host}, *port}};
}

}  // namespace keepmq::redis
