#pragma once
// Rows of the file to changes for Broker::restore.

#include <functional>
#include <string>
#include <vector>

#include "base/sqlite.hpp"
#include "broker/changes.hpp"

namespace keepmq::sessions {

using embedded::Statement;

struct LoadProblem {
    std::string text;      ///< empty: none
    bool damaged = false;  ///< else the disk or the memory may be to blame, not the file
};

/// Appends all that is kept, in order. `stored` sees each message that deliveries share, with its
/// row and how many they are.
[[nodiscard]] LoadProblem load_rows(
    sqlite3* database,
    std::vector<broker::Change>& into,
    const std::function<void(std::int64_t row, const MessageId& id, std::uint32_t uses)>& stored);

/// The columns of a message, from the present place on; see `message_columns`.
void bind_message(Statement& statement, const Message& message, std::string& scratch);
/// Null if they cannot be read.
[[nodiscard]] std::shared_ptr<Message> read_message(Statement& row);

inline constexpr const char* message_columns =
    "msgid,topic,payload,qos,retain,stored,sender,username,peerhost,at,properties";

}  // namespace keepmq::sessions
