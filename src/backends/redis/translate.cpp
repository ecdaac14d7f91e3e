#include "backends/redis/translate.hpp"

#include <charconv>
#include <utility>

#include "backends/redis/keys.hpp"
#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::redis {
namespace {

using store::Attempt;

// Every script touches one key, so that a cluster can run it.

/// Moves a position forward. A text that is not one of our ids has another order: it is replaced.
constexpr std::string_view advance_script =
    "local v = redis.call('get', KEYS[1]) "
    "if not v or #v ~= #ARGV[1] or v < ARGV[1] then redis.call('set', KEYS[1], ARGV[1]) end";

/// Writes a retained message unless a newer one is there. Deleted first, so that neither a field
/// nor a time to live of the one before it stays.
constexpr std::string_view retain_script =
    "local v = redis.call('hget', KEYS[1], 'id') "
    "if v and #v == #ARGV[1] and v > ARGV[1] then return 0 end "
    "redis.call('del', KEYS[1]) redis.call('hmset', KEYS[1], unpack(ARGV, 3)) "
    "if ARGV[2] ~= '' then redis.call('expire', KEYS[1], ARGV[2]) end return 1";

constexpr std::string_view offline_script =
    "local v = tonumber(redis.call('hget', KEYS[1], 'online_at') or '') "
    "if v and v > tonumber(ARGV[1]) then return 0 end "
    "redis.call('hmset', KEYS[1], 'state', '0', 'offline_at', ARGV[2]) return 1";

constexpr std::string_view leave_node_script =
    "local v = tonumber(redis.call('hget', KEYS[1], ARGV[1]) or '') "
    "if v and v > tonumber(ARGV[2]) then return 0 end "
    "return redis.call('hdel', KEYS[1], ARGV[1])";

/// The one with two keys: it is not used with a cluster.
constexpr std::string_view forget_script =
    "if redis.call('exists', KEYS[1]) == 0 then return redis.call('zrem', KEYS[2], ARGV[1]) end "
    "return 0";

std::string seconds_of(WallTime time) {
    return std::to_string(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

/// Field, value, field, value, ...
std::vector<std::string> fields_of(const Message& message) {
    std::vector<std::string> fields{"id",
                                    message.id.to_string(),
                                    "from",
                                    message.sender.str(),
                                    "qos",
                                    std::to_string(static_cast<int>(message.qos)),
                                    "topic",
                                    message.topic.str(),
                                    "payload",
                                    message.payload,
                                    "ts",
                                    seconds_of(message.at),
                                    "retain",
                                    message.retain ? "true" : "false"};
    if (message.properties) {
        fields.emplace_back("properties");
        fields.push_back(sql::format_properties(*message.properties));
    }
    return fields;
}

void expire(Commands& out,
            const std::string& key,
            const std::optional<std::chrono::seconds>& time_to_live,
            Wave wave) {
    if (time_to_live)
        out.push_back({{"EXPIRE", key, std::to_string(time_to_live->count())}, wave});
}

Commands of(const store::ClientOnline& op) {
    const auto at = seconds_of(op.at);
    return {{{"HMSET",
              client_key(op.client),
              "state",
              "1",
              "online_at",
              at,
              "offline_at",
              "undefined"}},
            {{"HSET", node_key(op.node), op.client.str(), at}}};
}

Commands of(const store::ClientOffline& op) {
    const auto since = seconds_of(op.connected_at);
    return {
        {{"EVAL",
          std::string{offline_script},
          "1",
          client_key(op.client),
          since,
          seconds_of(op.at)}},
        {{"EVAL", std::string{leave_node_script}, "1", node_key(op.node), op.client.str(), since}}};
}

/// The message, then the index that leads to it, then the catalogue that leads to the index. Who
/// follows them finds what they lead to; and a catalogue that was tidied up in between is whole
/// again.
Commands of(const store::StoreMessage& op, Attempt attempt) {
    const auto& message = *op.message;
    const auto id = message.id.to_string();
    const auto key = message_key(id);
    const auto index = index_key(message.topic.view());
    auto fields = fields_of(message);
    Commands out;
    if (attempt == Attempt::first) {
        Command write{{"HMSET", key}, Wave::content};
        write.args.insert(write.args.end(),
                          std::make_move_iterator(fields.begin()),
                          std::make_move_iterator(fields.end()));
        out.push_back(std::move(write));
    } else {
        for (std::size_t i = 0; i < fields.size(); i += 2)
            out.push_back(
                {{"HSETNX", key, std::move(fields[i]), std::move(fields[i + 1])}, Wave::content});
    }
    expire(out, key, op.time_to_live, Wave::content);
    out.push_back({{"ZADD", index, "1", id}});
    if (op.time_to_live)
        expire(out, index, op.time_to_live, Wave::index);
    else
        out.push_back({{"PERSIST", index}});
    out.push_back({{"ZADD", std::string{topics_key}, "0", message.topic.str()}, Wave::catalogue});
    return out;
}

Commands of(const store::StoreRetained& op) {
    const auto& message = *op.message;
    Command write{{"EVAL",
                   std::string{retain_script},
                   "1",
                   retained_key(message.topic.view()),
                   message.id.to_string(),
                   op.time_to_live ? std::to_string(op.time_to_live->count()) : std::string{}}};
    auto fields = fields_of(message);
    write.args.insert(write.args.end(),
                      std::make_move_iterator(fields.begin()),
                      std::make_move_iterator(fields.end()));
    return {
        std::move(write),
        {{"ZADD", std::string{retained_topics_key}, "0", message.topic.str()}, Wave::catalogue}};
}

/// A filter with wildcards starts at the time of the subscription: ids begin with their time, and
/// all that is published later has a greater one. For a topic the newest id is exact. `earliest`
/// needs no key: without one everything counts.
Commands of(const store::InitCursor& op, const Known& known) {
    const auto key = position_key(op.client, op.filter.view());
    if (has_wildcard(op.filter.view())) {
        const MessageId now{static_cast<std::uint64_t>(op.at.time_since_epoch().count()), 0};
        return {{{"SETNX", key, now.to_string()}}};
    }
    if (op.from == store::FetchFrom::earliest)
        return {};
    return {{{"SETNX", key, known.newest.empty() ? MessageId{}.to_string() : known.newest}}};
}

Commands of(const store::AdvanceCursor& op, const Known& known) {
    if (!known.stored)
        return {};
    return {{{"EVAL",
              std::string{advance_script},
              "1",
              position_key(op.client, op.topic.view()),
              op.id.to_string()}}};
}

bool needs_newest(const store::InitCursor& op) {
    return op.from == store::FetchFrom::latest && !has_wildcard(op.filter.view());
}

std::string to_text(const store::Value& value) {
    return std::visit(Overloaded{
                          [](std::monostate) { return std::string{}; },
                          [](std::int64_t number) { return std::to_string(number); },
                          [](double number) {
                              std::array<char, 32> text{};
                              const auto end =
                                  std::to_chars(text.data(), text.data() + text.size(), number);
                              return std::string{text.data(), end.ptr};
                          },
                          [](const std::string& text) { return text; },
                          [](const store::Bytes& bytes) { return bytes.data; },
                      },
                      value);
}

}  // namespace

std::optional<Command> question(const store::Op& op) {
    if (const auto* const advance = std::get_if<store::AdvanceCursor>(&op))
        return Command{{"EXISTS", message_key(advance->id.to_string())}};
    if (const auto* const init = std::get_if<store::InitCursor>(&op);
        init != nullptr && needs_newest(*init))
        return Command{{"ZREVRANGE", index_key(init->filter.view()), "0", "0"}};
    return std::nullopt;
}

Known understand(const store::Op& op, const Answer& answer) {
    Known known;
    if (std::holds_alternative<store::AdvanceCursor>(op))
        known.stored = answer.integer > 0;
    else if (!answer.list.empty())
        known.newest = answer.list.front().text;
    return known;
}

Commands translate(const store::Op& op, Attempt attempt, const Known& known) {
    return std::visit(
        Overloaded{
            [&](const store::StoreMessage& one) { return of(one, attempt); },
            [&](const store::InitCursor& one) { return of(one, known); },
            [&](const store::AdvanceCursor& one) { return of(one, known); },
            [](const store::DeleteRetained& one) {
                return Commands{{{"DEL", retained_key(one.topic.view())}}};
            },
            [](const store::DeleteCursor& one) {
                return Commands{{{"DEL", position_key(one.client, one.filter.view())}}};
            },
            [](const store::RemoveMessage& one) {
                return remove_message(one.topic.view(), one.id.to_string());
            },
            [](const store::Execute& one) { return translate(one); },
            [](const auto& one) { return of(one); },
        },
        op);
}

Commands translate(const store::Execute& op) {
    Commands out;
    std::size_t used = 0;
    for (const auto& statement : op.statements->list) {
        Command command{{std::string{}}};
        for (std::size_t i = 0; i < statement.pieces.size(); ++i) {
            for (const char c : statement.pieces[i]) {
                if (c == ' ')
                    command.args.emplace_back();
                else
                    command.args.back() += c;
            }
            if (i < statement.parameters() && used < op.values.size())
                command.args.back() += to_text(op.values[used++]);
        }
        out.push_back(std::move(command));
    }
    return out;
}

Command older_messages(const store::StoreMessage& op) {
    return {{"ZRANGEBYLEX",
             index_key(op.message->topic.view()),
             "-",
             "(" + op.message->id.to_string()}};
}

Commands remove_message(std::string_view topic, std::string_view id) {
    return {{{"DEL", message_key(id)}, Wave::content},
            {{"ZREM", index_key(topic), std::string{id}}}};
}

Command forget_topic(std::string_view key, std::string_view catalogue, std::string_view topic) {
    return {{"EVAL",
             std::string{forget_script},
             "2",
             std::string{key},
             std::string{catalogue},
             std::string{topic}},
            Wave::catalogue};
}

}  // namespace keepmq::redis
