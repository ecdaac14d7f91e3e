#include "backends/mysql/translate.hpp"

#include <fmt/format.h>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"
#include "sql/rows.hpp"
#include "sql/users.hpp"

namespace keepmq::mysql {
namespace {

using sql::format_time;
using sql::text_or_null;
using std::string_view;

// An upsert is an UPDATE and, if it found no row, an INSERT. `on duplicate key update` would be one
// statement, but it uses up an id each time, and the tables of EMQ X have 32 bits for them. With
// several rows it may even lose some without an error: behind a row that is there, MariaDB 10.11
// can draw ids that are taken, and a taken id is a duplicate key like any other.

constexpr string_view insert_online =
    "insert into mqtt_client (clientid, state, node, online_at, offline_at, created) "
    "values (?1, '1', ?2, ?3, null, ?3)";

string_view when(bool condition, string_view text) {
    return condition ? text : string_view{};
}

std::string matches(const std::string& pattern, string_view column, string_view value) {
    return fmt::format(fmt::runtime(pattern), column, value);
}

std::string is_name(const Tables& tables, string_view column, string_view value) {
    return matches(tables.layout.is_name, column, value);
}

std::string is_topic(const Tables& tables, string_view column, string_view value) {
    return matches(tables.layout.is_topic_of_message, column, value);
}

/// Selects the id of a stored message, at most one row; NULL if there is none.
std::string find_message(const Tables& tables, string_view topic, string_view msgid) {
    const auto has_topic = is_topic(tables, "n.topic", topic);
    const auto is_msgid = matches(tables.is_msgid, "n.msgid", msgid);
    if (tables.layout.unique_msgid)
        return fmt::format(
            "select max(n.id) as id from mqtt_msg n where {} and {}", is_msgid, has_topic);
    // What is acknowledged is mostly new: from the end, by the index on the topic.
    return fmt::format("select n.id from mqtt_msg n where {} and {} order by n.id desc limit 1",
                       has_topic,
                       is_msgid);
}

}  // namespace

std::string join(const store::Statement& statement) {
    return sql::join(statement, "?", sql::Numbered::no);
}

Translator::Translator(const Tables& tables)
    : message_properties_{tables.layout.message_properties},
      retained_properties_{tables.layout.retained_properties},
      is_msgid_{tables.is_msgid} {
    write_presence(tables);
    write_messages(tables);
    write_retained(tables);
    write_positions(tables);
}

void Translator::write_presence(const Tables& tables) {
    const auto is_client = is_name(tables, "clientid", "?1");
    update_online_ = fmt::format(
        "update mqtt_client set state = '1', node = ?2, online_at = ?3, offline_at = null where {}",
        is_client);
    update_offline_ = fmt::format(
        "update mqtt_client set state = '0', offline_at = ?2 "
        "where {} and (online_at is null or online_at <= ?3)",
        is_client);
    insert_offline_ = fmt::format(
        "insert into mqtt_client (clientid, state, node, online_at, offline_at, created) "
        "select ?1, '0', ?4, ?3, ?2, ?2 from dual "
        "where not exists (select 1 from mqtt_client where {})",
        is_client);
}

void Translator::write_messages(const Tables& tables) {
    insert_message_ = insert_messages(1);
    delete_older_ =
        fmt::format("delete m from mqtt_msg m join ({}) newest on m.id < newest.id where {}",
                    find_message(tables, "?1", "?2"),
                    is_topic(tables, "m.topic", "?1"));
    delete_message_ = fmt::format("delete from mqtt_msg where {} and {}",
                                  is_topic(tables, "topic", "?1"),
                                  matches(is_msgid_, "msgid", "?2"));
    delete_row_ =
        fmt::format("delete from mqtt_msg where id = ?2 and {}", is_topic(tables, "topic", "?1"));
}

void Translator::write_retained(const Tables& tables) {
    const auto is_retained = is_name(tables, "topic", "?1");
    // An id that is not ours (20 characters) has no order and gives way.
    update_retained_ = fmt::format(
        "update mqtt_retain set msgid = ?2, sender = ?3, qos = ?4, payload = ?5, arrived = ?6{}{} "
        "where {} and (msgid is null or char_length(msgid) <> {} "
        "or cast(msgid as binary) <= cast(?2 as binary))",
        when(tables.layout.retained_node, ", node = null"),
        when(retained_properties_, ", properties = ?7"),
        is_retained,
        MessageId::text_size);
    insert_retained_ = fmt::format(
        "insert into mqtt_retain (topic, msgid, sender, qos, payload, arrived{}) "
        "select ?1, ?2, ?3, ?4, ?5, ?6{} from dual "
        "where not exists (select 1 from mqtt_retain where {})",
        when(retained_properties_, ", properties"),
        when(retained_properties_, ", ?7"),
        is_retained);
    delete_retained_ = fmt::format("delete from mqtt_retain where {}", is_retained);
}

void Translator::write_positions(const Tables& tables) {
    const auto is_position = fmt::format(
        "{} and {}", is_name(tables, "a.clientid", "?1"), is_name(tables, "a.topic", "?2"));
    const auto no_position =
        fmt::format("not exists (select 1 from mqtt_acked a where {})", is_position);
    const auto init = [&](string_view value) {
        return fmt::format(
            "insert into mqtt_acked (clientid, topic, mid, created) select ?1, ?2, {}, ?3 from "
            "dual where {}",
            value,
            no_position);
    };
    const auto newest =
        fmt::format("select n.id from mqtt_msg n where {} order by n.id desc limit 1",
                    is_topic(tables, "n.topic", "?2"));
    init_earliest_ = init("0");
    init_latest_ = init(fmt::format("coalesce(({}), 0)", newest));
    init_latest_of_all_ = init("coalesce((select max(n.id) from mqtt_msg n), 0)");

    const auto advance = [&](string_view found) {
        return fmt::format(
            "update mqtt_acked a join ({}) m set a.mid = m.id, a.created = ?4 "
            "where {} and coalesce(a.mid, 0) < m.id",
            found,
            is_position);
    };
    const auto insert_advanced = [&](string_view found) {
        return fmt::format(
            "insert into mqtt_acked (clientid, topic, mid, created) "
            "select ?1, ?2, m.id, ?4 from ({}) m where m.id is not null and {}",
            found,
            no_position);
    };
    const auto by_id = find_message(tables, "?2", "?3");
    const auto by_row = fmt::format("select n.id from mqtt_msg n where n.id = ?3 and {}",
                                    is_topic(tables, "n.topic", "?2"));
    advance_ = advance(by_id);
    insert_advanced_ = insert_advanced(by_id);
    advance_to_row_ = advance(by_row);
    insert_advanced_to_row_ = insert_advanced(by_row);
    delete_cursor_ = fmt::format("delete from mqtt_acked where {} and {}",
                                 is_name(tables, "clientid", "?1"),
                                 is_name(tables, "topic", "?2"));
}

std::string Translator::insert_messages(std::size_t count) const {
    auto sql = fmt::format(
        "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived{}) values ",
        when(message_properties_, ", properties"));
    const std::size_t columns = message_properties_ ? 8 : 7;
    std::size_t parameter = 0;
    for (std::size_t row = 0; row < count; ++row) {
        sql += row == 0 ? "(" : ", (";
        for (std::size_t column = 0; column < columns; ++column)
            sql += fmt::format("{}?{}", column == 0 ? "" : ", ", ++parameter);
        sql += ')';
    }
    return sql;
}

std::vector<Param> Translator::columns_of(const Message& message) const {
    return sql::row_of_message(message, message_properties_);
}

std::string Translator::stored_after(std::size_t count) const {
    std::string ids;
    for (std::size_t i = 0; i < count; ++i) ids += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 2);
    return fmt::format(
        "select msgid from mqtt_msg where id > ?1 and msgid in ({}) lock in share mode", ids);
}

Steps Translator::translate(const store::Op& op) const {
    return std::visit(
        Overloaded{
            [this](const store::ClientOnline& o) -> Steps {
                const std::vector<Param> params{
                    o.client.view(), text_or_null(o.node), format_time(o.at)};
                return {{update_online_, params}, {insert_online, params, When::nothing_matched}};
            },
            [this](const store::ClientOffline& o) -> Steps {
                const std::vector<Param> params{o.client.view(),
                                                format_time(o.at),
                                                format_time(o.connected_at),
                                                text_or_null(o.node)};
                return {{update_offline_, params},
                        {insert_offline_, params, When::nothing_matched}};
            },
            [this](const store::StoreMessage& o) -> Steps {
                Steps out{{insert_message_, columns_of(*o.message)}};
                if (o.keep == store::Keep::latest)
                    out.push_back(
                        {delete_older_, {o.message->topic.view(), o.message->id.to_string()}});
                return out;
            },
            [this](const store::StoreRetained& o) -> Steps {
                const auto params = sql::row_of_retained(*o.message, retained_properties_);
                return {{update_retained_, params},
                        {insert_retained_, params, When::nothing_matched}};
            },
            [this](const store::DeleteRetained& o) -> Steps {
                return {{delete_retained_, {o.topic.view()}}};
            },
            [this](const store::InitCursor& o) -> Steps {
                const auto& sql = has_wildcard(o.filter.view())          ? init_latest_of_all_
                                  : o.from == store::FetchFrom::earliest ? init_earliest_
                                                                         : init_latest_;
                return {{sql, {o.client.view(), o.filter.view(), format_time(o.at)}}};
            },
            [this](const store::AdvanceCursor& o) -> Steps {
                const auto row = sql::row_of(o.id);
                const std::vector<Param> params{o.client.view(),
                                                o.topic.view(),
                                                row ? Param{*row} : Param{o.id.to_string()},
                                                format_time(o.at)};
                return {{row ? advance_to_row_ : advance_, params},
                        {row ? insert_advanced_to_row_ : insert_advanced_,
                         params,
                         When::nothing_matched}};
            },
            [this](const store::DeleteCursor& o) -> Steps {
                return {{delete_cursor_, {o.client.view(), o.filter.view()}}};
            },
            [this](const store::RemoveMessage& o) -> Steps {
                if (const auto row = sql::row_of(o.id))
                    return {{delete_row_, {o.topic.view(), *row}}};
                return {{delete_message_, {o.topic.view(), o.id.to_string()}}};
            },
            [](const store::Execute&) -> Steps { return {}; },
        },
        op);
}

}  // namespace keepmq::mysql
