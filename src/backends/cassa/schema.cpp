#include "backends/cassa/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <map>

namespace keepmq::cassa {
namespace {

using namespace std::string_view_literals;

struct Table {
    std::string_view name;
    bool of_client;  ///< has a column `clientid` or `client_id`
    std::initializer_list<std::string_view> columns;
};
const std::array tables{
    Table{"client", true, {"connected", "disconnected", "node", "state"}},
    Table{"sub", true, {"topic", "qos"}},
    Table{"msg", false, {"topic", "msgid", "arrived", "payload", "qos", "retain", "sender"}},
    Table{"retain", false, {"topic", "msgid"}},
    Table{"acked", true, {"topic", "msgid"}},
};
constexpr std::array spellings{"clientid"sv, "client_id"sv};

/// Table -> column -> type.
using Columns = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

class Inspector {
  public:
    explicit Inspector(Columns columns) : columns_{std::move(columns)} {}

    Inspection inspect() {
        for (const auto& table : tables) look_at(table);
        auto& layout = out_.layout;
        layout.message_properties = has("msg", "properties");
        layout.retained_properties = has("retain", "properties");
        layout.retained_body = true;
        for (const auto column : {"payload"sv, "sender"sv, "qos"sv, "arrived"sv})
            layout.retained_body = layout.retained_body && has("retain", column);
        if (out_.report.missing.empty())
            warn();
        return std::move(out_);
    }

  private:
    void look_at(const Table& table) {
        if (!columns_.contains(table.name)) {
            out_.report.missing.push_back(fmt::format("table {}", table.name));
            return;
        }
        for (const auto column : table.columns)
            if (!has(table.name, column))
                out_.report.missing.push_back(fmt::format("column {}.{}", table.name, column));
        if (table.of_client)
            find_spelling(table.name);
    }

    void find_spelling(std::string_view table) {
        auto& layout = out_.layout;
        auto& spelling = table == "client" ? layout.client_in_client
                         : table == "sub"  ? layout.client_in_sub
                                           : layout.client_in_acked;
        for (const auto name : spellings)
            if (has(table, name)) {
                spelling = name;
                return;
            }
        out_.report.missing.push_back(fmt::format("column {}.clientid", table));
    }

    void warn() {
        auto& warnings = out_.report.warnings;
        if (columns_["msg"]["payload"] != "blob")
            warnings.emplace_back("msg.payload is text: messages that are not UTF-8 are refused");
        if (!out_.layout.message_properties)
            warnings.emplace_back(
                "msg has no column properties: MQTT 5 properties of messages are not kept");
    }

    [[nodiscard]] bool has(std::string_view table, std::string_view column) const {
        const auto found = columns_.find(table);
        return found != columns_.end() && found->second.contains(column);
    }

    Columns columns_;
    Inspection out_;
};

}  // namespace

Inspection inspect(Session& session, const std::string& keyspace, const Interrupt& interrupt) {
    auto answer = session.run({"select table_name, column_name, type from system_schema.columns "
                               "where keyspace_name = ?",
                               {keyspace}},
                              interrupt);
    if (auto* const failure = std::get_if<store::Failure>(&answer)) {
        Inspection out;
        out.report.failure = std::move(*failure);
        return out;
    }
    const auto& rows = std::get<sql::Rows>(answer);
    Columns columns;
    for (std::size_t row = 0; row < rows.size(); ++row)
        columns[std::string{rows.bytes(row, 0)}][std::string{rows.bytes(row, 1)}] =
            rows.bytes(row, 2);
    return Inspector{std::move(columns)}.inspect();
}

}  // namespace keepmq::cassa
