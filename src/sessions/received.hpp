#pragma once
// Who has messages of QoS 2 exchanges that a restart interrupted (broker::Received). The deliveries
// say so at first; a subscriber may be through with one before the publisher is back, and the next
// crash come before its exchange is over, so that it is written down, too. Nothing is left of it in
// a run whose exchanges were not interrupted.

#include <vector>

#include "base/sqlite.hpp"
#include "broker/changes.hpp"
#include "sessions/load.hpp"

namespace keepmq::sessions {

inline constexpr const char* received_schema =
    "create table if not exists received(msgid text not null, session int not null,"
    " share text not null, primary key(msgid, session, share)) without rowid;";
inline constexpr const char* put_received = "insert or ignore into received values(?,?,?)";

/// With the statement `put_received`.
[[nodiscard]] bool run_received(Statement& put, const broker::ReceivedKept& row);

/// Behind all other rows in `into`. Brings the table up to date, in one transaction.
[[nodiscard]] LoadProblem load_received(sqlite3* database, std::vector<broker::Change>& into);

}  // namespace keepmq::sessions
