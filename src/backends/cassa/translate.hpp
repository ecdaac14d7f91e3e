#pragma once
// Operations as statements. Pure: no driver, no clock, no logging.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/cassa/schema.hpp"
#include "backends/cassa/value.hpp"
#include "store/op.hpp"

namespace keepmq::cassa {

/// Statements against the tables of one layout.
class Translator {
  public:
    explicit Translator(const Layout& layout);

    [[nodiscard]] const Layout& layout() const { return layout_; }

    // What a write has to know first. One row, or none.
    [[nodiscard]] Command connected_of(const ClientId& client) const;
    [[nodiscard]] Command position_of(std::string_view client, std::string_view filter) const;
    [[nodiscard]] static Command retained_id_of(std::string_view topic);
    [[nodiscard]] static Command newest_of(std::string_view topic);
    [[nodiscard]] static Command stored(std::string_view topic, const MessageId& id);

    // Writes.
    [[nodiscard]] Command online(const store::ClientOnline& op) const;
    [[nodiscard]] Command offline(const store::ClientOffline& op) const;
    [[nodiscard]] Command store_message(const Message& message,
                                        std::optional<std::chrono::seconds> time_to_live) const;
    /// The row of the topic, and the message where that row does not hold it.
    [[nodiscard]] std::vector<Command> store_retained(const store::StoreRetained& op) const;
    [[nodiscard]] static Command delete_retained(std::string_view topic);
    /// A message that is in msg only because it was retained.
    [[nodiscard]] static Command delete_superseded(std::string_view topic, std::string_view id);
    [[nodiscard]] Command set_position(std::string_view client,
                                       std::string_view filter,
                                       std::string id) const;
    [[nodiscard]] Command delete_position(const store::DeleteCursor& op) const;
    [[nodiscard]] static Command remove_message(const store::RemoveMessage& op);
    [[nodiscard]] static Command delete_older(const Message& message);

    // Reads. Messages have the columns topic, msgid, sender, qos, payload, arrived, then retain
    // (not those of the table retain), then properties, where there are any.
    [[nodiscard]] Command subscriptions_of(const ClientId& client) const;
    [[nodiscard]] static Command retained_topics();
    [[nodiscard]] Command retained(std::string_view topic) const;
    [[nodiscard]] Command message(std::string_view topic, std::string id) const;
    /// Beyond `after`.
    [[nodiscard]] Command oldest_messages(std::string_view topic,
                                          std::string after,
                                          std::size_t limit) const;
    /// Beyond `after`, up to `last`.
    [[nodiscard]] Command messages(std::string_view topic,
                                   std::string after,
                                   std::string last) const;
    [[nodiscard]] static Command ids(std::string_view topic, std::string after, std::size_t limit);
    /// Topics in the order of their tokens.
    [[nodiscard]] static Command topics(const std::optional<std::string>& from, std::size_t limit);

  private:
    Layout layout_;
    std::string columns_;  ///< of msg
    std::string insert_message_;
};

/// One of the user's statements with `?` for its parameters.
[[nodiscard]] std::string join(const store::Statement& statement);
[[nodiscard]] Param to_param(const store::Value& value);

/// A plain insert, update or delete: it may stand in a batch, and its place in time is its
/// timestamp.
[[nodiscard]] bool is_plain_write(std::string_view cql);

}  // namespace keepmq::cassa
