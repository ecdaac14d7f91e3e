#include "backends/mysql/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace keepmq::mysql {
namespace {

using namespace std::string_view_literals;

constexpr auto tables_of_ours =
    "('mqtt_client', 'mqtt_sub', 'mqtt_msg', 'mqtt_retain', 'mqtt_acked')"sv;

/// Columns with names that must compare by bytes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> names{
    {{"mqtt_client", "clientid"},
     {"mqtt_sub", "clientid"},
     {"mqtt_sub", "topic"},
     {"mqtt_msg", "topic"},
     {"mqtt_retain", "topic"},
     {"mqtt_acked", "clientid"},
     {"mqtt_acked", "topic"}}};

/// Whether `=` tells all texts apart. The other binary collations take no notice of trailing
/// blanks, the rest not even of letter case.
bool compares_by_bytes(const sql::Column& column) {
    return column.collation.empty() || column.collation == "utf8mb4_0900_bin" ||
           column.collation.ends_with("_nopad_bin");
}

bool ignores_case(const sql::Column& column) {
    return !column.collation.empty() && !column.collation.ends_with("_bin") &&
           !column.collation.ends_with("_cs");
}

/// The 3-byte form of UTF-8, which cannot be compared with every text.
bool is_narrow(const sql::Column& column) {
    return column.collation.starts_with("utf8_") || column.collation.starts_with("utf8mb3_");
}

struct Part {
    std::string column;
    bool whole = true;  ///< the index holds the whole value
};

struct Index {
    bool unique = false;
    std::vector<Part> parts;
};

class Inspector {
  public:
    explicit Inspector(sql::Database& database) : database_{database} {}

    Inspection inspect() {
        auto columns = sql::Columns::read(database_, "database()");
        if (auto* const failure = std::get_if<store::Failure>(&columns))
            return {.report = {.failure = std::move(*failure)}};
        columns_ = std::get<sql::Columns>(std::move(columns));
        columns_.report_missing(out_.report);
        if (!out_.report.ok())
            return std::move(out_);
        columns_.describe(out_.tables.layout);
        read_indexes();
        describe_messages();
        describe_names();
        check_engines();
        check_kept();
        return std::move(out_);
    }

  private:
    sql::Rows ask(std::string sql) {
        auto answer = database_.query({std::move(sql), {}});
        if (auto* const rows = std::get_if<sql::Rows>(&answer))
            return std::move(*rows);
        if (!out_.report.failure)
            out_.report.failure = std::get<store::Failure>(std::move(answer));
        return sql::Rows{0};
    }

    void read_indexes() {
        const auto rows = ask(fmt::format(
            "select lower(table_name), index_name, non_unique, lower(column_name), sub_part "
            "from information_schema.statistics where table_schema = database() and "
            "lower(table_name) in {} order by table_name, index_name, seq_in_index",
            tables_of_ours));
        for (std::size_t row = 0; row < rows.size(); ++row) {
            auto& index =
                indexes_[std::string{rows.bytes(row, 0)}][std::string{rows.bytes(row, 1)}];
            index.unique = rows.integer(row, 2) == 0;
            index.parts.push_back({std::string{rows.bytes(row, 3)}, rows.is_null(row, 4)});
        }
    }

    template <class Predicate>
    bool has_index(const std::string& table, Predicate&& predicate) {
        const auto& indexes = indexes_[table];
        return std::any_of(indexes.begin(), indexes.end(), [&](const auto& entry) {
            return predicate(entry.second);
        });
    }

    /// An index on the column that goes on with the row id, written out or by itself.
    static bool leads_to_id(const Index& index, std::string_view column) {
        return index.parts[0].column == column && index.parts[0].whole &&
               (index.parts.size() == 1 || index.parts[1].column == "id");
    }

    void describe_messages() {
        auto& layout = out_.tables.layout;
        layout.prefix_search = sql::PrefixSearch::like;
        layout.unique_msgid = has_index("mqtt_msg", [](const Index& index) {
            return index.unique && index.parts.size() == 1 && index.parts[0].column == "msgid" &&
                   index.parts[0].whole;
        });
        if (!layout.unique_msgid)
            warn(
                "mqtt_msg has no unique key on msgid: duplicates are excluded by looking before a "
                "batch is repeated, not by the database "
                "(alter table mqtt_msg add unique key mqtt_msg_key (msgid))");
        layout.topic_index = has_index(
            "mqtt_msg", [](const Index& index) { return index.parts[0].column == "topic"; });
        if (!layout.topic_index)
            warn(
                "mqtt_msg has no index on topic: fetches read the whole table "
                "(alter table mqtt_msg add key topic_index (topic, id))");
        const auto* const topic = columns_.find("mqtt_msg", "topic");
        out_.tables.topic_order.reset();
        for (const auto column : {"topic_head"sv, "topic"sv}) {
            if ((column == "topic" ? compares_by_bytes(*topic) : true) &&
                has_index("mqtt_msg",
                          [&](const Index& index) { return leads_to_id(index, column); })) {
                out_.tables.topic_order = column;
                break;
            }
        }
        const auto& msgid = *columns_.find("mqtt_msg", "msgid");
        // Our ids have no blanks, so that every binary collation will do.
        out_.tables.is_msgid =
            msgid.collation.ends_with("_bin") ? "{0} = {1}" : by_bytes("{0} = {1}");
        layout.is_topic_of_message = pattern_for({*topic});
    }

    static std::string by_bytes(std::string_view condition) {
        return fmt::format("({} and cast({{0}} as binary) = cast({{1}} as binary))", condition);
    }

    /// A condition that compares by bytes and lets an index help.
    static std::string pattern_for(const std::vector<sql::Column>& columns) {
        if (std::all_of(columns.begin(), columns.end(), compares_by_bytes))
            return "{0} = {1}";
        // Comparing a narrow column with a text that it cannot hold would be an error.
        if (std::all_of(columns.begin(), columns.end(), is_narrow))
            return by_bytes(fmt::format("{{0}} = convert({{1}} using utf8) collate {}",
                                        columns.front().collation));
        return by_bytes("{0} = {1}");
    }

    void describe_names() {
        std::vector<sql::Column> columns;
        std::vector<std::string> blind;
        for (const auto& [table, column] : names) {
            const auto& found = *columns_.find(table, column);
            if (table != "mqtt_msg")
                columns.push_back(found);
            const auto is_in_key = [&, name = column](const Index& index) {
                return index.unique &&
                       std::any_of(index.parts.begin(), index.parts.end(), [&](const Part& part) {
                           return part.column == name;
                       });
            };
            if (ignores_case(found) && has_index(std::string{table}, is_in_key))
                blind.push_back(fmt::format("{}.{}", table, column));
        }
        out_.tables.layout.is_name = pattern_for(columns);
        if (!blind.empty())
            warn(fmt::format(
                "unique keys do not tell letter case apart: of two names that differ "
                "only in that, the second cannot be stored and goes to the dead letters "
                "({}; alter the columns to collate utf8mb4_bin)",
                fmt::join(blind, ", ")));
    }

    void check_engines() {
        const auto rows =
            ask(fmt::format("select t.table_name from information_schema.tables t join "
                            "information_schema.engines e "
                            "on e.engine = t.engine where t.table_schema = database() and "
                            "lower(t.table_name) in {} and "
                            "e.transactions <> 'YES'",
                            tables_of_ours));
        for (std::size_t row = 0; row < rows.size(); ++row)
            warn(
                fmt::format("{0} has no transactions: a batch that fails halfway is stored halfway "
                            "(alter table {0} engine = InnoDB)",
                            rows.bytes(row, 0)));
    }

    void check_kept() {
        const auto& layout = out_.tables.layout;
        if (!layout.message_properties || !layout.retained_properties)
            warn(
                "mqtt_msg or mqtt_retain has no column properties: MQTT 5 properties of messages "
                "are not kept");
        if (layout.text_payload || layout.text_retained_payload)
            warn(
                "mqtt_msg.payload or mqtt_retain.payload is text: a payload that is not goes to "
                "the dead letters");
    }

    void warn(std::string_view text) { out_.report.warnings.emplace_back(text); }

    sql::Database& database_;
    sql::Columns columns_;
    std::map<std::string, std::map<std::string, Index>> indexes_;
    Inspection out_;
};

}  // namespace

Inspection inspect(sql::Database& database) {
    return Inspector{database}.inspect();
}

}  // namespace keepmq::mysql
