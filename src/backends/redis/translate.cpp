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

/// Calls `field` with the name and the value of each.
template <class Field>
void each_field(const Message& message, std::string_view id, Field field) {
    field("id", id);
    field("from", message.sender.view());
    field("qos", std::to_string(static_cast<int>(message.qos)));
    field("topic", message.topic.view());
    field("payload", message.payload);
    field("ts", seconds_of(message.at));
    field("retain", message.retain ? "true" : "false");
    if (message.properties)
        field("properties", sql::format_properties(*message.properties));
}

void add_fields(Words& words, const Message& message, std::string_view id) {
    constexpr std::size_t fixed = 100;  // names, numbers
    words.reserve(16,
                  fixed + id.size() + message.sender.view().size() + message.topic.view().size() +
                      message.payload.size());
    each_field(message, id, [&](std::string_view name, std::string_view value) {
        words.add(name);
        words.add(value);
    });
}

Command expire(std::string_view key, std::chrono::seconds time_to_live, Wave wave) {
    return {{"EXPIRE", key, std::to_string(time_to_live.count())}, wave};
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
            {{"HSET", node_key(op.node), op.client.view(), at}}};
}

Commands of(const store::ClientOffline& op) {
    const auto since = seconds_of(op.connected_at);
    return {{{"EVAL", offline_script, "1", client_key(op.client), since, seconds_of(op.at)}},
            {{"EVAL", leave_node_script, "1", node_key(op.node), op.client.view(), since}}};
}

/// The message, then the index that leads to it, then the catalogue that leads to the index. Who
/// follows them finds what they lead to; and a catalogue that was tidied up in between is whole
/// again.
Commands of(const store::StoreMessage& op, Attempt attempt) {
    Commands out;
    write_content(op, attempt, out);
    const auto topic = op.message->topic.view();
    write_index({topic, {op.message->id.to_string()}, op.time_to_live}, out);
    out.push_back(catalogue_of({&topic, 1}));
    return out;
}

Commands of(const store::StoreRetained& op) {
    const auto& message = *op.message;
    const auto id = message.id.to_string();
    Command write{{"EVAL",
                   retain_script,
                   "1",
                   retained_key(message.topic.view()),
                   id,
                   op.time_to_live ? std::to_string(op.time_to_live->count()) : std::string{}}};
    add_fields(write.args, message, id);
    return {std::move(write),
            {{"ZADD", retained_topics_key, "0", message.topic.view()}, Wave::catalogue}};
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
              advance_script,
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
        Command command{{}};
        std::string word;
        for (std::size_t i = 0; i < statement.pieces.size(); ++i) {
            for (const char c : statement.pieces[i]) {
                if (c == ' ')
                    command.args.add(std::exchange(word, {}));
                else
                    word += c;
            }
            if (i < statement.parameters() && used < op.values.size())
                word += to_text(op.values[used++]);
        }
        command.args.add(word);
        out.push_back(std::move(command));
    }
    return out;
}

void write_content(const store::StoreMessage& op, Attempt attempt, Commands& out) {
    const auto& message = *op.message;
    const auto id = message.id.to_string();
    const auto key = message_key(id);
    if (attempt == Attempt::first) {
        Command write{{"HMSET", key}, Wave::content};
        add_fields(write.args, message, id);
        out.push_back(std::move(write));
    } else {
        each_field(message, id, [&](std::string_view name, std::string_view value) {
            out.push_back({{"HSETNX", key, name, value}, Wave::content});
        });
    }
    if (op.time_to_live)
        out.push_back(expire(key, *op.time_to_live, Wave::content));
}

void write_index(const Listing& listing, Commands& out) {
    const auto key = index_key(listing.topic);
    Command add{{"ZADD", key}};
    add.args.reserve(2 * listing.ids.size(), listing.ids.size() * (1 + MessageId::text_size));
    for (const auto& id : listing.ids) {
        add.args.add("1");
        add.args.add(id);
    }
    out.push_back(std::move(add));
    if (listing.time_to_live)
        out.push_back(expire(key, *listing.time_to_live, Wave::index));
    else
        out.push_back({{"PERSIST", key}});
}

Command catalogue_of(std::span<const std::string_view> topics) {
    Command add{{"ZADD", topics_key}, Wave::catalogue};
    for (const auto topic : topics) {
        add.args.add("0");
        add.args.add(topic);
    }
    return add;
}

Command older_messages(const store::StoreMessage& op) {
    return {{"ZRANGEBYLEX",
             index_key(op.message->topic.view()),
             "-",
             "(" + op.message->id.to_string()}};
}

Commands remove_message(std::string_view topic, std::string_view id) {
    return {{{"DEL", message_key(id)}, Wave::content}, {{"ZREM", index_key(topic), id}}};
}

Command forget_topic(std::string_view key, std::string_view catalogue, std::string_view topic) {
    return {{"EVAL", forget_script, "2", key, catalogue, topic}, Wave::catalogue};
}

}  // namespace keepmq::redis
