#include "sessions/received.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

namespace keepmq::sessions {
namespace {

using namespace broker;
using embedded::execute;

using Rows = std::set<ReceivedKept>;

std::unordered_set<MessageId> interrupted(const std::vector<Change>& kept) {
    std::unordered_set<MessageId> found;
    for (const auto& change : kept)
        if (const auto* exchange = std::get_if<IncomingKept>(&change);
            exchange && exchange->stage == Stage::taken)
            found.insert(exchange->id);
    return found;
}

/// A row that makes no sense is none of an exchange that was interrupted: it goes.
LoadProblem read(sqlite3* database, Rows& into) {
    return each_row(
        database, "select msgid,session,share from received", "received", [&](Statement& row) {
            ReceivedKept kept;
            kept.message = MessageId::parse(row.bytes()).value_or(MessageId{});
            row.read(kept.session);
            kept.share = row.bytes();
            into.insert(std::move(kept));
            return true;
        });
}

bool replace(sqlite3* database, const Rows& rows) {
    Statement put{database, put_received};
    if (!put || !execute(database, "begin immediate; delete from received"))
        return false;
    return std::ranges::all_of(rows, [&](const auto& row) { return run_received(put, row); }) &&
           execute(database, "commit");
}

}  // namespace

bool run_received(Statement& put, const ReceivedKept& row) {
    const auto id = row.message.to_string();
    return put.bind(id).bind(row.session).bind(row.share).run();
}

LoadProblem load_received(sqlite3* database, std::vector<Change>& into) {
    const auto wanted = interrupted(into);
    Rows found;
    if (auto problem = read(database, found); !problem.text.empty())
        return problem;
    Rows rows;
    for (const auto& row : found)
        if (wanted.contains(row.message))
            rows.insert(row);
    for (std::size_t i = 0; i < into.size() && !wanted.empty(); ++i)
        if (const auto* delivery = std::get_if<DeliveryKept>(&into[i]);
            delivery && delivery->message && wanted.contains(delivery->message->id))
            rows.insert({delivery->message->id, delivery->session, delivery->share});
    if (rows != found && !replace(database, rows)) {
        LoadProblem problem{std::string{sqlite3_errmsg(database)} + " in the table received"};
        if (sqlite3_get_autocommit(database) == 0)
            static_cast<void>(execute(database, "rollback"));
        return problem;
    }
    into.insert(into.end(), rows.begin(), rows.end());
    return {};
}

}  // namespace keepmq::sessions
