#include "store/op_codec.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/overloaded.hpp"
#include "model/message_codec.hpp"

namespace keepmq::store {
namespace {

using bytes::Reader;
using bytes::Writer;

constexpr std::uint8_t version = 1;

// As written to files: never change or reuse a number.
enum class Kind : std::uint8_t {
    client_online = 1,
    client_offline = 2,
    store_message = 3,
    store_retained = 4,
    delete_retained = 5,
    init_cursor = 6,
    advance_cursor = 7,
    delete_cursor = 8,
    remove_message = 9,
    execute = 10,
};

enum class ValueKind : std::uint8_t { null = 0, integer = 1, real = 2, text = 3, bytes = 4 };

// A rule set has a handful of statement lists; a file with more than this is a strange one.
constexpr std::size_t most_statement_lists = 10'000;

void put(Writer& to, const std::optional<std::chrono::seconds>& time_to_live) {
    to.optional(time_to_live, [&](std::chrono::seconds value) { to.signed_fixed(value.count()); });
}

std::optional<std::chrono::seconds> read_time_to_live(Reader& from) {
    return from.optional([&] { return std::chrono::seconds{from.signed_fixed()}; });
}

// --- statements and values ----------------------------------------------------------------------

std::string bytes_of(const Statements& statements) {
    Writer to;
    to.size(statements.list.size());
    for (const Statement& statement : statements.list) {
        to.size(statement.pieces.size());
        for (const std::string& piece : statement.pieces) to.text(piece);
        to.text(statement.source);
        to.text(statement.origin.file);
        to.signed_fixed(statement.origin.line);
    }
    return to.take();
}

Statements read_statements(Reader& from) {
    Statements to;
    for (std::size_t left = from.size(); left > 0 && !from.failed(); --left) {
        Statement& statement = to.list.emplace_back();
        for (std::size_t pieces = from.size(); pieces > 0 && !from.failed(); --pieces)
            statement.pieces.push_back(from.text());
        if (statement.pieces.empty())
            from.refuse("a statement without text");
        statement.source = from.text();
        statement.origin.file = from.text();
        const std::int64_t line = from.signed_fixed();
        if (!std::in_range<int>(line))
            from.refuse("no line has this number");
        statement.origin.line = static_cast<int>(line);
    }
    from.end();
    return to;
}

void put(Writer& to, const Value& value) {
    std::visit(Overloaded{[&](std::monostate) { to.choice(ValueKind::null); },
                          [&](std::int64_t v) {
                              to.choice(ValueKind::integer);
                              to.signed_fixed(v);
                          },
                          [&](double v) {
                              to.choice(ValueKind::real);
                              to.fixed(std::bit_cast<std::uint64_t>(v));
                          },
                          [&](const std::string& v) {
                              to.choice(ValueKind::text);
                              to.text(v);
                          },
                          [&](const Bytes& v) {
                              to.choice(ValueKind::bytes);
                              to.text(v.data);
                          }},
               value);
}

Value read_value(Reader& from) {
    switch (from.choice(ValueKind::bytes)) {
        case ValueKind::null:
            return std::monostate{};
        case ValueKind::integer:
            return from.signed_fixed();
        case ValueKind::real:
            return std::bit_cast<double>(from.fixed());
        case ValueKind::text:
            return from.text();
        case ValueKind::bytes:
            break;
    }
    return Bytes{from.text()};
}

// --- operations ---------------------------------------------------------------------------------

void put(Writer& to, const ClientOnline& op) {
    to.choice(Kind::client_online);
    to.text(op.client);
    to.text(op.node);
    to.time(op.at);
}
void put(Writer& to, const ClientOffline& op) {
    to.choice(Kind::client_offline);
    to.text(op.client);
    to.text(op.node);
    to.time(op.at);
    to.time(op.connected_at);
}
void put(Writer& to, const StoreMessage& op) {
    to.choice(Kind::store_message);
    put(to, *op.message);
    to.choice(op.keep);
    put(to, op.time_to_live);
    to.choice(op.form);
}
void put(Writer& to, const StoreRetained& op) {
    to.choice(Kind::store_retained);
    put(to, *op.message);
    put(to, op.time_to_live);
    to.choice(op.form);
}
void put(Writer& to, const DeleteRetained& op) {
    to.choice(Kind::delete_retained);
    to.text(op.topic);
}
void put(Writer& to, const InitCursor& op) {
    to.choice(Kind::init_cursor);
    to.text(op.client);
    to.text(op.filter);
    to.choice(op.from);
    to.time(op.at);
}
void put(Writer& to, const AdvanceCursor& op) {
    to.choice(Kind::advance_cursor);
    to.text(op.client);
    to.text(op.topic);
    to.id(op.id);
    to.time(op.at);
}
void put(Writer& to, const DeleteCursor& op) {
    to.choice(Kind::delete_cursor);
    to.text(op.client);
    to.text(op.filter);
}
void put(Writer& to, const RemoveMessage& op) {
    to.choice(Kind::remove_message);
    to.text(op.topic);
    to.id(op.id);
}
void put(Writer& to, const Execute& op) {
    to.choice(Kind::execute);
    to.text(bytes_of(*op.statements));
    to.size(op.values.size());
    for (const Value& value : op.values) put(to, value);
}

// Members in the order of their declaration: braces evaluate from left to right.

Op read_store_message(Reader& from) {
    return StoreMessage{read_message(from),
                        from.choice(Keep::latest),
                        read_time_to_live(from),
                        from.choice(PayloadForm::document)};
}

Op read_init_cursor(Reader& from) {
    return InitCursor{from.name<ClientId>(),
                      from.name<TopicFilter>(),
                      from.choice(FetchFrom::latest),
                      from.time()};
}

/// All but Execute, whose statements are shared.
Op read_simple(Kind kind, Reader& from) {
    switch (kind) {
        case Kind::client_online:
            return ClientOnline{from.name<ClientId>(), from.text(), from.time()};
        case Kind::client_offline:
            return ClientOffline{from.name<ClientId>(), from.text(), from.time(), from.time()};
        case Kind::store_message:
            return read_store_message(from);
        case Kind::store_retained:
            return StoreRetained{
                read_message(from), read_time_to_live(from), from.choice(PayloadForm::document)};
        case Kind::delete_retained:
            return DeleteRetained{from.name<TopicName>()};
        case Kind::init_cursor:
            return read_init_cursor(from);
        case Kind::advance_cursor:
            return AdvanceCursor{
                from.name<ClientId>(), from.name<TopicName>(), from.id(), from.time()};
        case Kind::delete_cursor:
            return DeleteCursor{from.name<ClientId>(), from.name<TopicFilter>()};
        case Kind::remove_message:
            return RemoveMessage{from.name<TopicName>(), from.id()};
        case Kind::execute:
            break;
    }
    from.refuse("no operation has this number");
    return DeleteRetained{};
}

Op read_execute(std::shared_ptr<const Statements> statements, Reader& from) {
    Execute op{std::move(statements), {}};
    for (std::size_t left = from.size(); left > 0 && !from.failed(); --left)
        op.values.push_back(read_value(from));
    std::size_t parameters = 0;
    for (const Statement& statement : op.statements->list) parameters += statement.parameters();
    // Connections rely on it.
    if (op.values.size() != parameters)
        from.refuse("not as many values as the statements have parameters");
    return op;
}

}  // namespace

std::string encode(const Op& op) {
    Writer to;
    to.byte(version);
    std::visit([&](const auto& one) { put(to, one); }, op);
    return to.take();
}

std::variant<std::shared_ptr<const Statements>, std::string> OpDecoder::statements(
    std::string_view bytes) {
    if (const auto known = statements_.find(bytes); known != statements_.end())
        return known->second;
    Reader from{bytes};
    auto read = std::make_shared<const Statements>(read_statements(from));
    if (from.failed())
        return "in the statements: " + from.why();
    if (statements_.size() >= most_statement_lists)
        statements_.clear();
    return statements_.emplace(bytes, std::move(read)).first->second;
}

std::variant<Op, std::string> OpDecoder::decode(std::string_view bytes) {
    Reader from{bytes};
    if (const std::uint8_t written = from.byte(); written != version && !from.failed())
        return fmt::format("written in form {}, this broker reads form {}", written, version);
    const auto kind = static_cast<Kind>(from.byte());
    Op op;
    if (kind == Kind::execute) {
        const std::string_view bytes_of_list = from.view();
        if (from.failed())
            return from.why();
        auto list = statements(bytes_of_list);
        if (auto* why = std::get_if<std::string>(&list))
            return std::move(*why);
        op = read_execute(std::get<0>(std::move(list)), from);
    } else {
        op = read_simple(kind, from);
    }
    from.end();
    if (from.failed())
        return from.why();
    return op;
}

}  // namespace keepmq::store
