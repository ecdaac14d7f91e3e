#include "sql/layout.hpp"

#include <fmt/format.h>

#include <array>

namespace keepmq::sql {
namespace {

using namespace std::string_view_literals;

const std::array tables{
    NeededTable{"mqtt_client", {"clientid", "state", "node", "online_at", "offline_at", "created"}},
    NeededTable{"mqtt_sub", {"clientid", "topic", "qos"}},
    NeededTable{"mqtt_msg",
                {"id", "msgid", "topic", "sender", "qos", "retain", "payload", "arrived"}},
    NeededTable{"mqtt_retain", {"topic", "msgid", "sender", "qos", "payload", "arrived"}},
    NeededTable{"mqtt_acked", {"clientid", "topic", "mid", "created"}},
};

std::optional<std::int64_t> number(const Rows& rows, std::size_t row, std::size_t column) {
    return rows.is_null(row, column) ? std::nullopt : std::optional{rows.integer(row, column)};
}

bool is_text(const Column* column) {
    return column != nullptr && (column->type.find("char") != std::string::npos ||
                                 column->type.find("text") != std::string::npos);
}

}  // namespace

std::span<const NeededTable> needed_tables() {
    return tables;
}

std::variant<Columns, store::Failure> Columns::read(Database& database, std::string_view schema) {
    std::string names;
    for (const auto& table : tables)
        names.append(names.empty() ? "'" : ", '").append(table.name).append("'");
    auto answer = database.query(
        {fmt::format("select lower(table_name), lower(column_name), lower(data_type), "
                     "character_maximum_length, datetime_precision, collation_name "
                     "from information_schema.columns "
                     "where table_schema = {} and lower(table_name) in ({})",
                     schema,
                     names),
         {}});
    if (auto* const failure = std::get_if<store::Failure>(&answer))
        return std::move(*failure);
    const auto& rows = std::get<Rows>(answer);
    Columns out;
    for (std::size_t row = 0; row < rows.size(); ++row)
        out.tables_[std::string{rows.bytes(row, 0)}][std::string{rows.bytes(row, 1)}] = {
            std::string{rows.bytes(row, 2)},
            number(rows, row, 3),
            number(rows, row, 4),
            std::string{rows.bytes(row, 5)}};
    return out;
}

bool Columns::has_table(std::string_view table) const {
    return tables_.find(table) != tables_.end();
}

const Column* Columns::find(std::string_view table, std::string_view column) const {
    const auto found = tables_.find(table);
    if (found == tables_.end())
        return nullptr;
    const auto place = found->second.find(column);
    return place == found->second.end() ? nullptr : &place->second;
}

void Columns::report_missing(store::SchemaReport& report) const {
    for (const auto& table : tables) {
        if (!has_table(table.name)) {
            report.missing.push_back(fmt::format("table {}", table.name));
            continue;
        }
        for (const auto column : table.columns) {
            if (find(table.name, column) == nullptr)
                report.missing.push_back(fmt::format("column {}.{}", table.name, column));
        }
    }
}

void Columns::describe(Layout& layout) const {
    const auto has = [this](std::string_view table, std::string_view column) {
        return find(table, column) != nullptr;
    };
    layout.message_node = has("mqtt_msg", "node");
    layout.message_properties = has("mqtt_msg", "properties");
    layout.retained_node = has("mqtt_retain", "node");
    layout.retained_properties = has("mqtt_retain", "properties");
    layout.text_payload = is_text(find("mqtt_msg", "payload"));
    layout.text_retained_payload = is_text(find("mqtt_retain", "payload"));
    const auto* const arrived = find("mqtt_msg", "arrived");
    layout.fractions_of_seconds = arrived == nullptr || arrived->time_digits.value_or(6) > 0;
}

}  // namespace keepmq::sql
