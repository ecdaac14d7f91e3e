#include "backends/pgsql/translate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"
#include "sql/users.hpp"

namespace keepmq::pgsql {
namespace {

using sql::format_properties;
using sql::format_time;
using std::string_view;
using namespace std::string_view_literals;

// An upsert is an INSERT that looks for the row, and an UPDATE with its condition: that needs no
// particular unique key, so tables made by others work, and it draws no number from the sequence of
// `id` for a row that is there (`on conflict do update` would draw one for each acknowledgement,
// and the `serial` of EMQ X's tables ends at 2^31). Where there is a unique key, the loser of a
// race between two brokers waits for the winner's row and then updates it.

/// Payloads and topics of one insert. The server takes no message beyond 1 GB, and holds each
/// several times in its memory.
constexpr std::size_t largest_run = std::size_t{16} * 1024 * 1024;

Param text_or_null(string_view text) {
    return text.empty() ? Param{} : Param{text};
}

sql::Param cell_or_null(string_view text) {
    return text.empty() ? sql::Param{} : sql::Param{text};
}

std::int64_t number(Qos qos) {
    return static_cast<std::uint8_t>(qos);
}

Param to_param(const store::Value& value) {
    return std::visit(Overloaded{
                          [](const std::string& text) { return Param{string_view{text}}; },
                          [](const store::Bytes& bytes) { return Param{BlobView{bytes.data}}; },
                          [](const auto& other) { return Param{other}; },
                      },
                      value);
}

/// What comes after blanks and comments.
string_view skip_comments(string_view sql) {
    while (!sql.empty()) {
        if (sql.starts_with("--"))
            sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
        else if (sql.starts_with("/*"))
            sql.remove_prefix(std::min(sql.find("*/"), sql.size() - 2) + 2);
        else if (" \t\r\n;("sv.find(sql.front()) != sql.npos)
            sql.remove_prefix(1);
        else
            break;
    }
    return sql;
}

string_view when(bool condition, string_view text) {
    return condition ? text : string_view{};
}

constexpr std::array forbidden{"abort"sv,
                               "begin"sv,
                               "commit"sv,
                               "copy"sv,
                               "deallocate"sv,
                               "discard"sv,
                               "end"sv,
                               "execute"sv,
                               "prepare"sv,
                               "release"sv,
                               "reset"sv,
                               "rollback"sv,
                               "savepoint"sv,
                               "set"sv,
                               "start"sv};

}  // namespace

std::string join(const store::Statement& statement) {
    return sql::join(statement, "$", sql::Numbered::yes);
}

std::optional<std::string> objection_to(string_view sql) {
    const auto rest = skip_comments(sql);
    if (rest.empty())
        return "the statement is empty";
    std::string word;
    for (const char c : rest) {
        const auto lower = static_cast<char>(c | 0x20);
        if (lower < 'a' || lower > 'z')
            break;
        word += lower;
    }
    if (std::find(forbidden.begin(), forbidden.end(), word) == forbidden.end())
        return std::nullopt;
    return fmt::format(
        "`{}` is not allowed: the statements of a rule run in one transaction of the "
        "broker",
        word);
}

string_view equal_by_hash() {
    return R"(sha256(decode(replace({0}, '\', '\\'), 'escape')) = )"
           R"(sha256(decode(replace({1}, '\', '\\'), 'escape')) and {0} = {1})";
}

Translator::Translator(sql::Layout layout) : layout_{std::move(layout)} {
    write_presence();
    write_messages();
    write_retained();
    write_positions();
}

/// The column holds exactly the value; not for the topics of mqtt_msg.
std::string Translator::is_name(string_view column, string_view value) const {
    return fmt::format(fmt::runtime(layout_.is_name), column, value);
}

std::string Translator::is_topic(string_view value) const {
    return fmt::format(fmt::runtime(layout_.is_topic_of_message), "m.topic", value);
}

void Translator::write_presence() {
    const auto is_client = is_name("c.clientid", "$1::text");
    insert_online_ = fmt::format(
        "insert into mqtt_client (clientid, state, node, online_at, created) "
        "select $1::text, '1', $2::text, $3::timestamp, $3::timestamp "
        "where not exists (select 1 from mqtt_client c where {}) on conflict do nothing",
        is_client);
    update_online_ = fmt::format(
        "update mqtt_client c set state = '1', node = $2::text, online_at = $3::timestamp, "
        "offline_at = null where {}",
        is_client);
    insert_offline_ = fmt::format(
        "insert into mqtt_client (clientid, state, node, online_at, offline_at, created) "
        "select $1::text, '0', $4::text, $3::timestamp, $2::timestamp, $2::timestamp "
        "where not exists (select 1 from mqtt_client c where {}) on conflict do nothing",
        is_client);
    update_offline_ = fmt::format(
        "update mqtt_client c set state = '0', offline_at = $2::timestamp "
        "where {} and (c.online_at is null or c.online_at <= $3::timestamp)",
        is_client);
}

void Translator::write_messages() {
    insert_messages_ = fmt::format(
        "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived{0}) "
        "select m.msgid, m.topic, m.sender, m.qos, m.retain, m.payload, m.arrived::timestamp{1} "
        "from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::{2}[], "
        "$7::text[]{3}) as m (msgid, topic, sender, qos, retain, payload, arrived{0}){4}",
        when(layout_.message_properties, ", properties"),
        when(layout_.message_properties, ", m.properties"),
        layout_.text_payload ? "text" : "bytea",
        when(layout_.message_properties, ", $8::text[]"),
        when(layout_.unique_msgid, " on conflict (msgid) do nothing"));
    delete_older_ = fmt::format(
        "delete from mqtt_msg m where {0} and m.id < "
        "(select max(n.id) from mqtt_msg n where n.msgid = $2::text and n.topic = $1::text)",
        is_topic("$1::text"));
    delete_message_ = "delete from mqtt_msg m where m.msgid = $2::text and m.topic = $1::text";
    delete_row_ = "delete from mqtt_msg m where m.id = $2::bigint and m.topic = $1::text";
}

void Translator::write_retained() {
    const bool properties = layout_.retained_properties;
    const auto payload = layout_.text_retained_payload ? "text" : "bytea";
    const auto is_retained = is_name("r.topic", "$1::text");
    insert_retained_ = fmt::format(
        "insert into mqtt_retain (topic, msgid, sender, qos, payload, arrived{}) "
        "select $1::text, $2::text, $3::text, $4::bigint, $5::{}, $6::timestamp{} "
        "where not exists (select 1 from mqtt_retain r where {}) on conflict do nothing",
        when(properties, ", properties"),
        payload,
        when(properties, ", $7::text"),
        is_retained);
    // An id that is not ours (20 characters) has no order and gives way.
    update_retained_ = fmt::format(
        "update mqtt_retain r set msgid = $2::text, sender = $3::text, qos = $4::bigint, "
        "payload = $5::{}, arrived = $6::timestamp{}{} where {} and (r.msgid is null or "
        "length(r.msgid) <> 20 or r.msgid collate \"C\" <= $2::text)",
        payload,
        when(layout_.retained_node, ", node = null"),
        when(properties, ", properties = $7::text"),
        is_retained);
    delete_retained_ = fmt::format("delete from mqtt_retain r where {}", is_retained);
}

void Translator::write_positions() {
    const auto is_position =
        fmt::format("{} and {}", is_name("a.clientid", "$1::text"), is_name("a.topic", "$2::text"));
    const auto init = [&](string_view mid) {
        return fmt::format(
            "insert into mqtt_acked (clientid, topic, mid, created) "
            "select $1::text, $2::text, {}, $3::timestamp "
            "where not exists (select 1 from mqtt_acked a where {}) on conflict do nothing",
            mid,
            is_position);
    };
    init_earliest_ = init("0");
    init_latest_ = init(fmt::format("coalesce((select max(m.id) from mqtt_msg m where {}), 0)",
                                    is_topic("$2::text")));
    init_latest_of_all_ = init("coalesce((select max(m.id) from mqtt_msg m), 0)");
    const auto insert_advanced = [&](string_view row) {
        return fmt::format(
            "insert into mqtt_acked (clientid, topic, mid, created) "
            "select $1::text, $2::text, m.id, $4::timestamp "
            "from (select max(m.id) as id from mqtt_msg m where {} and m.topic = $2::text) m "
            "where m.id is not null and not exists (select 1 from mqtt_acked a where {}) "
            "on conflict do nothing",
            row,
            is_position);
    };
    const auto advance = [&](string_view row) {
        return fmt::format(
            "update mqtt_acked a set mid = m.id, created = $4::timestamp "
            "from (select max(m.id) as id from mqtt_msg m where {} and m.topic = $2::text) m "
            "where {} and coalesce(a.mid, 0) < m.id",
            row,
            is_position);
    };
    insert_advanced_ = insert_advanced("m.msgid = $3::text");
    advance_ = advance("m.msgid = $3::text");
    insert_advanced_to_row_ = insert_advanced("m.id = $3::bigint");
    advance_to_row_ = advance("m.id = $3::bigint");
    delete_cursor_ = fmt::format("delete from mqtt_acked a where {}", is_position);
}

Commands Translator::translate(std::span<const store::Op* const> batch) const {
    Commands out;
    std::vector<const store::StoreMessage*> run;
    std::size_t bytes = 0;
    const auto end_run = [&] {
        if (!run.empty())
            add_messages(out, run);
        run.clear();
        bytes = 0;
    };
    for (const auto* op : batch) {
        if (const auto* const store = std::get_if<store::StoreMessage>(op)) {
            const auto size = store->message->payload.size() + store->message->topic.view().size();
            if (bytes + size > largest_run)
                end_run();
            bytes += size;
            run.push_back(store);
            continue;
        }
        end_run();
        add(out, *op);
    }
    end_run();
    return out;
}

void Translator::add_messages(Commands& out,
                              std::span<const store::StoreMessage* const> run) const {
    Command insert{insert_messages_, {}};
    const auto column = [&](Array::Of of, auto&& cell) {
        Array array{of, {}};
        array.elements.reserve(run.size());
        for (const auto* op : run) array.elements.push_back(cell(*op->message));
        insert.params.emplace_back(std::move(array));
    };
    using Of = Array::Of;
    column(Of::text, [](const Message& m) { return sql::Param{m.id.to_string()}; });
    column(Of::text, [](const Message& m) { return sql::Param{m.topic.view()}; });
    column(Of::text, [](const Message& m) { return cell_or_null(m.sender.view()); });
    column(Of::integer, [](const Message& m) { return sql::Param{number(m.qos)}; });
    column(Of::integer, [](const Message& m) { return sql::Param{std::int64_t{m.retain}}; });
    column(layout_.text_payload ? Of::text : Of::bytes,
           [](const Message& m) { return sql::Param{BlobView{m.payload}}; });
    column(Of::text, [](const Message& m) { return sql::Param{format_time(m.at)}; });
    if (layout_.message_properties)
        column(Of::text, [](const Message& m) {
            return m.properties ? sql::Param{format_properties(*m.properties)} : sql::Param{};
        });
    out.push_back(std::move(insert));
    for (const auto* op : run) {
        const auto& message = *op->message;
        if (op->keep == store::Keep::latest)
            out.push_back({delete_older_, {message.topic.view(), message.id.to_string()}});
    }
}

void Translator::add(Commands& out, const store::Op& op) const {
    std::visit(Overloaded{
                   [&](const store::ClientOnline& o) {
                       const std::vector<Param> params{
                           o.client.view(), text_or_null(o.node), format_time(o.at)};
                       out.push_back({insert_online_, params});
                       out.push_back({update_online_, params});
                   },
                   [&](const store::ClientOffline& o) {
                       const std::vector<Param> params{o.client.view(),
                                                       format_time(o.at),
                                                       format_time(o.connected_at),
                                                       text_or_null(o.node)};
                       out.push_back({insert_offline_, params});
                       out.push_back({update_offline_, {params.begin(), params.begin() + 3}});
                   },
                   [](const store::StoreMessage&) {},  // part of a run
                   [&](const store::StoreRetained& o) {
                       const auto& message = *o.message;
                       std::vector<Param> params{message.topic.view(),
                                                 message.id.to_string(),
                                                 text_or_null(message.sender.view()),
                                                 number(message.qos),
                                                 BlobView{message.payload},
                                                 format_time(message.at)};
                       if (layout_.retained_properties)
                           params.push_back(properties_of(message));
                       out.push_back({insert_retained_, params});
                       out.push_back({update_retained_, params});
                   },
                   [&](const store::DeleteRetained& o) {
                       out.push_back({delete_retained_, {o.topic.view()}});
                   },
                   [&](const store::InitCursor& o) {
                       const auto& sql = has_wildcard(o.filter.view()) ? init_latest_of_all_
                                         : o.from == store::FetchFrom::earliest ? init_earliest_
                                                                                : init_latest_;
                       out.push_back({sql, {o.client.view(), o.filter.view(), format_time(o.at)}});
                   },
                   [&](const store::AdvanceCursor& o) {
                       const auto row = sql::row_of(o.id);
                       const std::vector<Param> params{o.client.view(),
                                                       o.topic.view(),
                                                       row ? Param{*row} : Param{o.id.to_string()},
                                                       format_time(o.at)};
                       out.push_back({row ? insert_advanced_to_row_ : insert_advanced_, params});
                       out.push_back({row ? advance_to_row_ : advance_, params});
                   },
                   [&](const store::DeleteCursor& o) {
                       out.push_back({delete_cursor_, {o.client.view(), o.filter.view()}});
                   },
                   [&](const store::RemoveMessage& o) {
                       if (const auto row = sql::row_of(o.id))
                           out.push_back({delete_row_, {o.topic.view(), *row}});
                       else
                           out.push_back({delete_message_, {o.topic.view(), o.id.to_string()}});
                   },
                   [&](const store::Execute& o) {
                       auto value = o.values.begin();
                       for (const auto& statement : o.statements->list) {
                           Command command{join(statement), {}, &statement};
                           for (std::size_t i = 0;
                                i < statement.parameters() && value != o.values.end();
                                ++i)
                               command.params.push_back(to_param(*value++));
                           out.push_back(std::move(command));
                       }
                   },
               },
               op);
}

Param Translator::properties_of(const Message& message) const {
    return message.properties ? Param{format_properties(*message.properties)} : Param{};
}

Command Translator::lock_messages() {
    return {"lock table mqtt_msg in share row exclusive mode", {}};
}

sql::Command Translator::newest_id() {
    return {"select coalesce(max(id), 0) from mqtt_msg", {}};
}

sql::Command Translator::stored_ids(std::int64_t after, std::string ids) {
    return {"select msgid from mqtt_msg where id > ?1 and msgid = any(?2::text[])",
            {after, std::move(ids)}};
}

}  // namespace keepmq::pgsql
