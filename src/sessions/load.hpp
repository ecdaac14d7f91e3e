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

/// Runs a query. `take` reads one row and returns false if that makes no sense.
[[nodiscard]] LoadProblem each_row(sqlite3* database,
                                   const std::string& sql,
                                   const std::string& table,
                                   const std::function<bool(Statement&)>& take);

/// Appends all that is kept but deliveries, in order.
[[nodiscard]] LoadProblem load_rows(sqlite3* database, std::vector<broker::Change>& into);

/// The deliveries of a file of format 1: a row for each, and one for each message.
[[nodiscard]] LoadProblem load_deliveries_1(sqlite3* database, std::vector<broker::Change>& into);

/// The columns of a message, from the present place on; see `message_columns`.
void bind_message(Statement& statement, const Message& message, std::string& scratch);
/// Null if they cannot be read.
[[nodiscard]] std::shared_ptr<Message> read_message(Statement& row);

inline constexpr const char* message_columns =
    "msgid,topic,payload,qos,retain,stored,sender,username,peerhost,at,properties";

}  // namespace keepmq::sessions
