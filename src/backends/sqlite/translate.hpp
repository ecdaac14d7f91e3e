#pragma once
// Operations and queries as SQL text and bindings. Pure: no driver, no clock, no logging.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/params.hpp"
#include "store/op.hpp"

namespace keepmq::sqlite {

using sql::BlobView;
using sql::Param;

enum class When : std::uint8_t {
    always,
    nothing_changed,  ///< only if the command before this one changed no row
};

/// One statement to run. `sql` lives as long as the Translator, the bindings as long as the
/// operation.
struct Command {
    std::string_view sql;
    std::vector<Param> params;
    When when = When::always;
};
using Commands = std::vector<Command>;

/// What the tables of this file offer, looked up when it is opened: tables that were made by others
/// need not be like ours.
struct Layout {
    bool message_properties = true;   ///< mqtt_msg.properties
    bool retained_properties = true;  ///< mqtt_retain.properties
    bool unique_msgid = true;         ///< unique key on mqtt_msg.msgid
    bool topic_index = true;          ///< index on mqtt_msg that begins with topic
};

/// The user's statement with `?1`, `?2`, ... between its pieces.
[[nodiscard]] std::string join(const store::Statement& statement);

/// Immutable; one per open connection, because its texts depend on the layout.
class Translator {
  public:
    explicit Translator(const Layout& layout);

    /// The commands of a write, to be run in order. An Execute has none: see join().
    [[nodiscard]] Commands translate(const store::Op& op) const;

    [[nodiscard]] Command subscriptions_of(const ClientId& client) const;
    /// Columns as in message(); the row id comes first.
    [[nodiscard]] Command retained(const TopicFilter& filter) const;
    /// id, msgid, topic, sender, qos, retain, payload, arrived, properties of one row; none if it
    /// arrived before the given bound (empty: none).
    [[nodiscard]] Command message(std::int64_t id, std::string_view not_before) const;

    /// mid. `client` null: one that has no positions.
    [[nodiscard]] Command position(const ClientId* client, std::string_view topic) const;
    /// id, in order.
    [[nodiscard]] Command ids_of_topic(std::string_view topic,
                                       std::int64_t after,
                                       std::size_t limit) const;
    /// id.
    [[nodiscard]] Command newest_of_topic(std::string_view topic) const;
    /// id and topic of all messages, in order of id.
    [[nodiscard]] Command scan(std::int64_t after, std::size_t limit) const;
    /// topic, and the first id beyond `after` and beyond the position of the client (may be NULL).
    [[nodiscard]] Command unread_topics(const ClientId* client,
                                        const sql::TopicRange& range,
                                        std::int64_t after,
                                        std::size_t limit) const;
    /// msgid of all rows after `id`.
    [[nodiscard]] Command msgids_after(std::int64_t id) const;

  private:
    Layout layout_;
    std::string insert_message_;
    std::string insert_retained_;
    std::string update_retained_;
    std::string select_message_;
    std::string select_retained_;
    std::string select_retained_range_;
};

}  // namespace keepmq::sqlite
