#include "backends/pgsql/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/pgsql/translate.hpp"

namespace keepmq::pgsql {
namespace {

constexpr std::size_t indexed_characters = 500;

/// Table, definition, whether it is unique, whether it covers all rows.
constexpr auto all_indexes =
    "select t.relname, pg_get_indexdef(i.indexrelid), i.indisunique, i.indpred is null "
    "from pg_index i join pg_class t on t.oid = i.indrelid "
    "join pg_namespace n on n.oid = t.relnamespace "
    "where n.nspname = any(current_schemas(false)) and t.relname like 'mqtt!_%' escape '!' "
    "and i.indisvalid";

class Inspector {
  public:
    explicit Inspector(sql::Database& database) : database_{database} {}

    Inspection inspect() {
        auto columns = sql::Columns::read(database_, "any(current_schemas(false))");
        if (auto* const failure = std::get_if<store::Failure>(&columns))
            return {.report = {.failure = std::move(*failure)}};
        columns_ = std::get<sql::Columns>(std::move(columns));
        columns_.report_missing(out_.report);
        if (!out_.report.missing.empty())
            return std::move(out_);
        columns_.describe(out_.layout);
        look_at_indexes();
        look_at_order();
        warn_of_columns();
        return std::move(out_);
    }

  private:
    struct Index {
        std::string table;
        std::string columns;  ///< what stands in the brackets
        bool unique;
    };

    std::vector<std::vector<std::string>> ask(std::string sql, std::size_t columns) {
        std::vector<std::vector<std::string>> out;
        auto answer = database_.query({std::move(sql), {}});
        if (auto* const failure = std::get_if<store::Failure>(&answer)) {
            out_.report.failure = std::move(*failure);
            return out;
        }
        const auto& rows = std::get<sql::Rows>(answer);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            auto& cells = out.emplace_back();
            for (std::size_t column = 0; column < columns; ++column)
                cells.emplace_back(rows.bytes(row, column));
        }
        return out;
    }

    void look_at_indexes() {
        std::vector<Index> indexes;
        for (auto& row : ask(all_indexes, 4)) {
            const auto begin = row[1].find(" USING btree (");
            if (row[3] == "1" && begin != std::string::npos)
                indexes.push_back({row[0], row[1].substr(begin + 14), row[2] == "1"});
        }
        const auto has = [&](std::string_view table, std::string_view columns, bool unique) {
            return std::any_of(indexes.begin(), indexes.end(), [&](const Index& index) {
                return index.table == table && (index.unique || !unique) &&
                       index.columns.starts_with(columns);
            });
        };
        auto& layout = out_.layout;
        layout.unique_msgid = has("mqtt_msg", "msgid)", true);
        const bool by_hash = has("mqtt_acked", "sha256(decode(replace(clientid,", true);
        if (by_hash)
            layout.is_name = equal_by_hash();
        else if (!has("mqtt_acked", "clientid, topic)", true))
            warn("mqtt_acked has no unique key on (clientid, topic): acknowledgements are slow");
        if (has("mqtt_msg", fmt::format("\"left\"(topic, {})", indexed_characters), false)) {
            layout.topic_key = fmt::format("left({{0}}, {})", indexed_characters);
            layout.topic_key_length = indexed_characters;
            layout.is_topic_of_message = fmt::format(
                "left({{0}}, {0}) = left({{1}}, {0}) and {{0}} = {{1}}", indexed_characters);
        } else {
            layout.topic_index = has("mqtt_msg", "topic, id)", false);
        }
        warn_of_indexes();
    }

    void warn_of_indexes() {
        if (!out_.layout.unique_msgid)
            warn(
                "mqtt_msg has no unique key on msgid: acknowledgements are slow, duplicates are "
                "not "
                "excluded (create unique index mqtt_msg_msgid on mqtt_msg (msgid))");
        if (!out_.layout.topic_index)
            warn(
                "mqtt_msg has no index on (topic, id): fetches read the whole table "
                "(create index mqtt_msg_topic on mqtt_msg (topic, id))");
    }

    /// Whether topics are sorted by bytes.
    void look_at_order() {
        const auto* const topic = columns_.find("mqtt_msg", "topic");
        const auto& collation = topic->collation;
        bool by_bytes = collation == "C" || collation == "POSIX" || collation == "ucs_basic";
        if (collation.empty()) {
            const auto answer = ask("select 'Z'::text < 'a'::text", 1);
            by_bytes = !answer.empty() && answer.front().front() == "1";
        }
        if (!by_bytes)
            out_.layout.prefix_search = sql::PrefixSearch::none;
    }

    void warn_of_columns() {
        const auto& layout = out_.layout;
        if (layout.text_payload || layout.text_retained_payload)
            warn(
                "mqtt_msg.payload or mqtt_retain.payload is text: messages that are not UTF-8 are "
                "refused");
        if (!layout.message_properties || !layout.retained_properties)
            warn(
                "mqtt_msg or mqtt_retain has no column properties: MQTT 5 properties of messages "
                "are not kept");
        const auto* const mid = columns_.find("mqtt_acked", "mid");
        const auto* const id = columns_.find("mqtt_msg", "id");
        if (mid->type == "integer" && id->type == "bigint")
            warn("mqtt_acked.mid is integer, mqtt_msg.id is bigint: positions end at 2147483647");
    }

    void warn(std::string text) { out_.report.warnings.push_back(std::move(text)); }

    sql::Database& database_;
    sql::Columns columns_;
    Inspection out_;
};

}  // namespace

Inspection inspect(sql::Database& database) {
    return Inspector{database}.inspect();
}

}  // namespace keepmq::pgsql
