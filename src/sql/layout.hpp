#pragma once
// What the tables of a database offer, looked up at connect: tables that were made by others need
// not be like ours.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "sql/database.hpp"
#include "store/backend.hpp"

namespace keepmq::sql {

/// A table and the columns that must be there.
struct NeededTable {
    std::string_view name;
    std::initializer_list<std::string_view> columns;
};
[[nodiscard]] std::span<const NeededTable> needed_tables();

/// How a search for topics that begin with a given text can use the index on the topic.
enum class PrefixSearch : std::uint8_t {
    none,   ///< the column is not sorted by bytes: all topics are visited
    range,  ///< sorted by bytes: `>=` and `<`
    like,   ///< `like` finds the range by itself
};

struct Layout {
    bool message_node = true;         ///< mqtt_msg.node
    bool message_properties = true;   ///< mqtt_msg.properties
    bool retained_node = true;        ///< mqtt_retain.node
    bool retained_properties = true;  ///< mqtt_retain.properties
    bool text_payload = false;        ///< mqtt_msg.payload holds text, not bytes
    bool text_retained_payload = false;
    bool fractions_of_seconds = true;  ///< in mqtt_msg.arrived
    bool unique_msgid = true;          ///< unique key on mqtt_msg.msgid
    bool topic_index = true;           ///< index on mqtt_msg that serves `topic_key`

    // Patterns of conditions: {0} is a column with its table (`m.topic`), {1} a parameter or
    // another column. They compare by bytes and let an index help.
    std::string is_topic_of_message = "{0} = {1}";  ///< mqtt_msg.topic
    std::string is_name = "{0} = {1}";              ///< clientid and topic of the other tables
    /// What the index on the topics of mqtt_msg is sorted by; {0} is a column or parameter.
    std::string topic_key = "{0}";
    /// Characters that go into `topic_key`; none: all.
    std::optional<std::size_t> topic_key_length;
    PrefixSearch prefix_search = PrefixSearch::range;
    /// Up to so many topics are visited to find what a client has not read.
    std::size_t visited_topics = 10'000;
};

struct Column {
    std::string type;                         ///< as information_schema.columns.data_type names it
    std::optional<std::int64_t> longest;      ///< characters
    std::optional<std::int64_t> time_digits;  ///< of a second
    std::string collation;                    ///< empty: the default, or none
};

/// The columns of the tables that are needed, as far as they are there; names in lower case.
class Columns {
  public:
    /// `schema`: an SQL expression for the schema of the tables, `database()`, `current_schema()`.
    [[nodiscard]] static std::variant<Columns, store::Failure> read(Database& database,
                                                                    std::string_view schema);

    [[nodiscard]] bool has_table(std::string_view table) const;
    /// Null if there is none.
    [[nodiscard]] const Column* find(std::string_view table, std::string_view column) const;

    void report_missing(store::SchemaReport& report) const;
    /// Sets which optional columns there are.
    void describe(Layout& layout) const;

  private:
    std::map<std::string, std::map<std::string, Column, std::less<>>, std::less<>> tables_;
};

}  // namespace keepmq::sql
