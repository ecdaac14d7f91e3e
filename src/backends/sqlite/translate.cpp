#include "backends/sqlite/translate.hpp"

#include <fmt/format.h>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"
#include "sql/rows.hpp"
#include "sql/users.hpp"

namespace keepmq::sqlite {
namespace {

using sql::format_time;
using sql::text_or_null;
using sql::topics_that_begin_with;
using std::string_view;

// Upserts are an UPDATE and, if it changed nothing, an INSERT that looks for the row: the lane
// holds the write lock, so nobody comes between, and tables without the unique keys of ours serve
// as well.

constexpr string_view update_online =
    "update mqtt_client set state = '1', node = ?2, online_at = ?3, offline_at = null where "
    "clientid = ?1";
constexpr string_view insert_online =
    "insert into mqtt_client (clientid, state, node, online_at, created) values (?1, '1', ?2, ?3, "
    "?3)";
constexpr string_view update_offline =
    "update mqtt_client set state = '0', offline_at = ?2 "
    "where clientid = ?1 and (online_at is null or online_at <= ?3)";
constexpr string_view insert_offline =
    "insert into mqtt_client (clientid, state, node, online_at, offline_at, created) "
    "select ?1, '0', ?4, ?3, ?2, ?2 where not exists (select 1 from mqtt_client where clientid = "
    "?1)";

constexpr string_view delete_older =
    "delete from mqtt_msg where topic = ?1 "
    "and id < (select max(id) from mqtt_msg where msgid = ?2 and topic = ?1)";
constexpr string_view delete_message = "delete from mqtt_msg where msgid = ?2 and topic = ?1";
constexpr string_view delete_row = "delete from mqtt_msg where id = ?2 and topic = ?1";
constexpr string_view delete_retained = "delete from mqtt_retain where topic = ?1";

constexpr string_view init_earliest =
    "insert into mqtt_acked (clientid, topic, mid, created) select ?1, ?2, 0, ?3 "
    "where not exists (select 1 from mqtt_acked where clientid = ?1 and topic = ?2)";
constexpr string_view init_latest =
    "insert into mqtt_acked (clientid, topic, mid, created) "
    "select ?1, ?2, coalesce((select max(id) from mqtt_msg where topic = ?2), 0), ?3 "
    "where not exists (select 1 from mqtt_acked where clientid = ?1 and topic = ?2)";
constexpr string_view init_latest_of_all =
    "insert into mqtt_acked (clientid, topic, mid, created) "
    "select ?1, ?2, coalesce((select max(id) from mqtt_msg), 0), ?3 "
    "where not exists (select 1 from mqtt_acked where clientid = ?1 and topic = ?2)";
// Two look-ups of the message are cheaper than `update ... from`, which makes tables for the join.
constexpr string_view advance =
    "update mqtt_acked "
    "set mid = (select max(id) from mqtt_msg where msgid = ?3 and topic = ?2), created = ?4 "
    "where clientid = ?1 and topic = ?2 "
    "and coalesce(mid, 0) < (select max(id) from mqtt_msg where msgid = ?3 and topic = ?2)";
constexpr string_view insert_advanced =
    "insert into mqtt_acked (clientid, topic, mid, created) "
    "select ?1, ?2, m.id, ?4 from (select max(id) as id from mqtt_msg where msgid = ?3 and topic = "
    "?2) as m "
    "where m.id is not null and not exists (select 1 from mqtt_acked where clientid = ?1 and topic "
    "= ?2)";
constexpr string_view advance_to_row =
    "update mqtt_acked set mid = ?3, created = ?4 "
    "where clientid = ?1 and topic = ?2 and coalesce(mid, 0) < ?3 "
    "and exists (select 1 from mqtt_msg where id = ?3 and topic = ?2)";
constexpr string_view insert_advanced_to_row =
    "insert into mqtt_acked (clientid, topic, mid, created) "
    "select ?1, ?2, m.id, ?4 from (select id from mqtt_msg where id = ?3 and topic = ?2) as m "
    "where not exists (select 1 from mqtt_acked where clientid = ?1 and topic = ?2)";
constexpr string_view delete_cursor = "delete from mqtt_acked where clientid = ?1 and topic = ?2";

constexpr string_view select_subscriptions =
    "select topic, qos from mqtt_sub where clientid = ?1 order by topic";
constexpr string_view select_position =
    "select coalesce(max(mid), 0) from mqtt_acked where clientid = ?1 and topic = ?2";
constexpr string_view select_ids =
    "select id from mqtt_msg where topic = ?1 and id > ?2 order by id limit ?3";
constexpr string_view select_newest = "select max(id) from mqtt_msg where topic = ?1";
constexpr string_view select_scan =
    "select id, topic from mqtt_msg where id > ?1 order by id limit ?2";
constexpr string_view select_msgids = "select msgid from mqtt_msg where id > ?1";
// Jumps from topic to topic in the index instead of reading all its entries.
constexpr string_view select_unread_topics =
    "with recursive topics(topic) as ("
    "select min(topic) from mqtt_msg where topic >= ?2 and topic < ?3 "
    "union all "
    "select (select min(topic) from mqtt_msg where topic > topics.topic and topic < ?3) "
    "from topics where topics.topic is not null limit ?5) "
    "select topic, (select min(m.id) from mqtt_msg as m where m.topic = topics.topic and m.id > "
    "max(?4, coalesce((select max(mid) from mqtt_acked as a where a.clientid = ?1 and a.topic = "
    "topics.topic), 0))) "
    "from topics where topic is not null";

Param client_or_null(const ClientId* client) {
    return client == nullptr ? Param{} : Param{client->view()};
}

Param number(std::size_t value) {
    return static_cast<std::int64_t>(value);
}

/// Text sorts before every blob, so an empty blob is beyond all topics.
Param end_of(const sql::TopicRange& range) {
    return range.beyond ? Param{*range.beyond} : Param{BlobView{}};
}

}  // namespace

std::string join(const store::Statement& statement) {
    return sql::join(statement, "?", sql::Numbered::yes);
}

Translator::Translator(const Layout& layout) : layout_{layout} {
    const auto when = [](bool condition, string_view text) {
        return condition ? text : string_view{};
    };
    const bool properties = layout.message_properties;
    insert_message_ = fmt::format(
        "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived{}) "
        "values (?1, ?2, ?3, ?4, ?5, ?6, ?7{}){}",
        when(properties, ", properties"),
        when(properties, ", ?8"),
        when(layout.unique_msgid, " on conflict (msgid) do nothing"));
    select_message_ = fmt::format(
        "select id, msgid, topic, sender, qos, retain, payload, arrived, {} from mqtt_msg "
        "where id = ?1 and (?2 is null or arrived >= ?2)",
        properties ? "properties" : "null");

    const bool retained = layout.retained_properties;
    // An id that is not ours (20 characters) has no order and gives way.
    update_retained_ = fmt::format(
        "update mqtt_retain set msgid = ?2, sender = ?3, node = null, qos = ?4, payload = ?5, "
        "arrived = ?6{} "
        "where topic = ?1 and (msgid is null or length(msgid) <> 20 or msgid <= ?2)",
        when(retained, ", properties = ?7"));
    insert_retained_ = fmt::format(
        "insert into mqtt_retain (topic, msgid, sender, qos, payload, arrived{}) select ?1, ?2, "
        "?3, ?4, ?5, ?6{} "
        "where not exists (select 1 from mqtt_retain where topic = ?1)",
        when(retained, ", properties"),
        when(retained, ", ?7"));
    const auto columns = fmt::format(
        "select rowid, msgid, topic, sender, qos, 1, payload, arrived, {} from mqtt_retain ",
        retained ? "properties" : "null");
    select_retained_ = columns + "where topic = ?1";
    select_retained_range_ = columns + "where topic >= ?1 and topic < ?2 order by topic";
}

Commands Translator::translate(const store::Op& op) const {
    return std::visit(
        Overloaded{
            [](const store::ClientOnline& o) -> Commands {
                const auto at = format_time(o.at);
                const std::vector<Param> params{o.client.view(), text_or_null(o.node), at};
                return {{update_online, params}, {insert_online, params, When::nothing_changed}};
            },
            [](const store::ClientOffline& o) -> Commands {
                const std::vector<Param> params{o.client.view(),
                                                format_time(o.at),
                                                format_time(o.connected_at),
                                                text_or_null(o.node)};
                return {{update_offline, {params.begin(), params.begin() + 3}},
                        {insert_offline, params, When::nothing_changed}};
            },
            [this](const store::StoreMessage& o) -> Commands {
                const auto& message = *o.message;
                Commands out;
                out.reserve(2);
                out.push_back(
                    {insert_message_, sql::row_of_message(message, layout_.message_properties)});
                if (o.keep == store::Keep::latest)
                    out.push_back({delete_older, {message.topic.view(), message.id.to_string()}});
                return out;
            },
            [this](const store::StoreRetained& o) -> Commands {
                const auto params = sql::row_of_retained(*o.message, layout_.retained_properties);
                return {{update_retained_, params},
                        {insert_retained_, params, When::nothing_changed}};
            },
            [](const store::DeleteRetained& o) -> Commands {
                return {{delete_retained, {o.topic.view()}}};
            },
            [](const store::InitCursor& o) -> Commands {
                auto sql = o.from == store::FetchFrom::earliest ? init_earliest : init_latest;
                if (has_wildcard(o.filter.view()))
                    sql = init_latest_of_all;
                return {{sql, {o.client.view(), o.filter.view(), format_time(o.at)}}};
            },
            [](const store::AdvanceCursor& o) -> Commands {
                const auto row = sql::row_of(o.id);
                const std::vector<Param> params{o.client.view(),
                                                o.topic.view(),
                                                row ? Param{*row} : Param{o.id.to_string()},
                                                format_time(o.at)};
                return {{row ? advance_to_row : advance, params},
                        {row ? insert_advanced_to_row : insert_advanced,
                         params,
                         When::nothing_changed}};
            },
            [](const store::DeleteCursor& o) -> Commands {
                return {{delete_cursor, {o.client.view(), o.filter.view()}}};
            },
            [](const store::RemoveMessage& o) -> Commands {
                if (const auto row = sql::row_of(o.id))
                    return {{delete_row, {o.topic.view(), *row}}};
                return {{delete_message, {o.topic.view(), o.id.to_string()}}};
            },
            [](const store::Execute&) -> Commands { return {}; },
        },
        op);
}

Command Translator::subscriptions_of(const ClientId& client) const {
    return {select_subscriptions, {client.view()}};
}

Command Translator::retained(const TopicFilter& filter) const {
    if (!has_wildcard(filter.view()))
        return {select_retained_, {filter.view()}};
    auto range = topics_that_begin_with(literal_prefix(filter.view()));
    auto end = end_of(range);
    return {select_retained_range_, {std::move(range.first), std::move(end)}};
}

Command Translator::message(std::int64_t id, string_view not_before) const {
    return {select_message_, {id, text_or_null(not_before)}};
}

Command Translator::position(const ClientId* client, string_view topic) const {
    return {select_position, {client_or_null(client), topic}};
}

Command Translator::ids_of_topic(string_view topic, std::int64_t after, std::size_t limit) const {
    return {select_ids, {topic, after, number(limit)}};
}

Command Translator::newest_of_topic(string_view topic) const {
    return {select_newest, {topic}};
}

Command Translator::scan(std::int64_t after, std::size_t limit) const {
    return {select_scan, {after, number(limit)}};
}

Command Translator::unread_topics(const ClientId* client,
                                  const sql::TopicRange& range,
                                  std::int64_t after,
                                  std::size_t limit) const {
    return {select_unread_topics,
            {client_or_null(client), range.first, end_of(range), after, number(limit)}};
}

Command Translator::msgids_after(std::int64_t id) const {
    return {select_msgids, {id}};
}

}  // namespace keepmq::sqlite
