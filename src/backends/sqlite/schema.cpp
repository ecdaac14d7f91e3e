#include "backends/sqlite/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sql/layout.hpp"

namespace keepmq::sqlite {
namespace {

using namespace std::string_view_literals;

constexpr auto columns_of = "select lower(name) from pragma_table_info(?1)"sv;
constexpr auto has_row_id =
    "select 1 from pragma_table_info('mqtt_msg') where lower(name) = 'id' and pk = 1 and lower(type) = 'integer'"sv;
constexpr auto never_reuses_ids =
    "select 1 from sqlite_schema where lower(name) = 'mqtt_msg' and lower(sql) like '%autoincrement%'"sv;
constexpr auto topics_have_an_index =
    "select 1 from pragma_index_list('mqtt_msg') as i, pragma_index_xinfo(i.name) as c "
    "where c.seqno = 0 and c.key = 1 and lower(c.name) = 'topic' and c.coll = 'BINARY' and i.partial = 0"sv;
/// A unique index over exactly these columns (a JSON array, sorted), compared by bytes.
constexpr auto has_unique_key =
    "select 1 from pragma_index_list(?1) as i where i.\"unique\" = 1 and i.partial = 0 and "
    "(select json_group_array(name) from (select lower(c.name) as name from "
    "pragma_index_xinfo(i.name) as c "
    "where c.key = 1 and c.coll = 'BINARY' order by 1)) = ?2 and "
    "not exists (select 1 from pragma_index_xinfo(i.name) as c where c.key = 1 and c.coll <> 'BINARY')"sv;

class Inspector {
  public:
    explicit Inspector(Database& database) : database_{database} {}

    Inspection inspect() {
        check_encoding();
        for (const auto& table : sql::needed_tables()) check_table(table);
        if (out_.report.ok())
            check_keys();
        return std::move(out_);
    }

  private:
    std::vector<std::string> ask(std::string_view sql, std::vector<Param> params = {}) {
        std::vector<std::string> answers;
        auto rows = database_.query(sql, params);
        while (rows.next()) answers.emplace_back(rows.bytes(0));
        if (rows.failure() && !out_.report.failure)
            out_.report.failure = rows.failure();
        return answers;
    }

    bool holds(std::string_view sql, std::vector<Param> params = {}) {
        return !ask(sql, std::move(params)).empty();
    }

    void check_encoding() {
        const auto encoding = ask("pragma encoding");
        if (!encoding.empty() && encoding.front() != "UTF-8")
            out_.report.missing.push_back(
                fmt::format("text in UTF-8 (the file keeps its text in {})", encoding.front()));
    }

    void check_table(const sql::NeededTable& table) {
        const auto present = ask(columns_of, {table.name});
        if (present.empty()) {
            out_.report.missing.push_back(fmt::format("table {}", table.name));
            return;
        }
        const auto has = [&](std::string_view column) {
            return std::find(present.begin(), present.end(), column) != present.end();
        };
        for (const auto column : table.columns) {
            if (!has(column))
                out_.report.missing.push_back(fmt::format("column {}.{}", table.name, column));
        }
        if (table.name == "mqtt_retain" && !has("node"))
            out_.report.missing.emplace_back("column mqtt_retain.node");
        if (table.name == "mqtt_msg")
            out_.layout.message_properties = has("properties");
        if (table.name == "mqtt_retain")
            out_.layout.retained_properties = has("properties");
    }

    void check_keys() {
        auto& layout = out_.layout;
        if (!holds(has_row_id))
            out_.report.missing.emplace_back(
                "mqtt_msg.id as INTEGER PRIMARY KEY, so that it is the order of the rows");
        else if (!holds(never_reuses_ids))
            warn(
                "mqtt_msg.id is not AUTOINCREMENT: ids of deleted rows may be used again, so that "
                "readers skip messages");
        layout.unique_msgid = holds(has_unique_key, {"mqtt_msg"sv, R"(["msgid"])"sv});
        if (!layout.unique_msgid)
            warn(
                "mqtt_msg has no unique key on msgid: acknowledgements are slow, duplicates are "
                "not excluded "
                "(create unique index mqtt_msg_msgid on mqtt_msg (msgid))");
        layout.topic_index = holds(topics_have_an_index);
        if (!layout.topic_index)
            warn(
                "mqtt_msg has no index on topic: fetches read the whole table "
                "(create index mqtt_msg_topic on mqtt_msg (topic))");
        if (!holds(has_unique_key, {"mqtt_acked"sv, R"(["clientid","topic"])"sv}))
            warn("mqtt_acked has no unique key on (clientid, topic): acknowledgements are slow");
        if (!layout.message_properties || !layout.retained_properties)
            warn(
                "mqtt_msg or mqtt_retain has no column properties: MQTT 5 properties of messages "
                "are not kept");
    }

    void warn(std::string text) { out_.report.warnings.push_back(std::move(text)); }

    Database& database_;
    Inspection out_;
};

}  // namespace

Inspection inspect(Database& database) {
    return Inspector{database}.inspect();
}

}  // namespace keepmq::sqlite
