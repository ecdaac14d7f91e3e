// Pools, spools, rules and dead letters.
#include <fmt/format.h>

#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

void print_errors(CtlSession& session, const boost::json::array& pools, std::string_view member) {
    for (const auto& item : pools) {
        const auto* pool = item.if_object();
        if (pool == nullptr || cell(*pool, member) == "-")
            continue;
        session.out() << fmt::format("{} {}: last error: {}\n",
                                     cell(*pool, "kind"),
                                     cell(*pool, "name"),
                                     cell(*pool, member));
    }
}

void list_pools(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"KIND", "kind"},
        {"POOL", "name"},
        {"STATE", "state"},
        {"QUEUED", "queued", Align::right},
        {"ACCEPTED", "accepted", Align::right},
        {"COMMITTED", "committed", Align::right},
        {"SPOOLED", "spooled", Align::right},
        {"DEAD", "dead_lettered", Align::right},
        {"REFUSED", "refused", Align::right},
        {"RETRIES", "retries", Align::right},
        {"COMMIT P99 us", "commit_micros_p99", Align::right},
        {"DURABILITY", "durability"},
    };
    const auto pools = session.ask_all("/api/v4/pools");
    if (!pools)
        return;
    if (session.json())
        return session.print_json(*pools);
    session.print_list(*pools, columns);
    print_errors(session, *pools, "last_error");
}

void list_spools(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"KIND", "kind"},
        {"POOL", "name"},
        {"MODE", "spool"},
        {"WRITES", "spooled", Align::right},
        {"BYTES", "spool_bytes", Align::right},
        {"OLDEST s", "spool_oldest_seconds", Align::right},
        {"IN/s", "spool_written_each_second", Align::right},
        {"OUT/s", "spool_drained_each_second", Align::right},
        {"IN", "spool_written", Align::right},
        {"OUT", "spool_drained", Align::right},
        {"FAILURES", "spool_failures", Align::right},
        {"SET ASIDE", "spool_set_aside", Align::right},
    };
    const auto pools = session.ask_all("/api/v4/pools");
    if (!pools)
        return;
    if (session.json())
        return session.print_json(*pools);
    session.print_list(*pools, columns);
    print_errors(session, *pools, "spool_error");
}

void list_rules(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"RULE", "name"},
        {"POOL", "pool"},
        {"HITS", "hits", Align::right},
        {"N/A", "not_applicable", Align::right},
        {"ACCEPTED", "accepted", Align::right},
        {"COMMITTED", "committed", Align::right},
        {"SPOOLED", "spooled", Align::right},
        {"DEAD", "dead_lettered", Align::right},
        {"REFUSED", "refused", Align::right},
        {"ERRORS", "errors", Align::right},
        {"FILTER", "filter"},
        {"ACTION", "action"},
    };
    const auto rules = session.ask_all("/api/v4/rules");
    if (!rules)
        return;
    if (session.json())
        return session.print_json(*rules);
    session.print_list(*rules, columns);
}

void list_dead_letters(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"ID", "id", Align::right},
        {"AT", "at"},
        {"POOL", "pool"},
        {"RULE", "rule"},
        {"OPERATION", "op"},
        {"TOPIC", "topic"},
        {"CLIENT", "clientid"},
        {"ERROR", "error"},
    };
    const auto letters = session.ask_all("/api/v4/dead_letters");
    if (!letters)
        return;
    if (session.json())
        return session.print_json(*letters);
    session.print_list(*letters, columns);
}

void show_dead_letter(CtlSession& session, CtlArguments arguments) {
    const auto data =
        session.ask(Method::get, "/api/v4/dead_letters/" + percent_encode(arguments[0]));
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    if (const auto* letters = data->if_array(); letters != nullptr && !letters->empty()) {
        if (const auto* letter = letters->front().if_object())
            session.print_members(*letter);
    }
}

/// Nothing when the broker said no; then that was printed.
std::optional<boost::json::value> change_letter(CtlSession& session,
                                                Method method,
                                                std::string_view id,
                                                std::string_view verb) {
    session.set_failure_prefix(fmt::format("Dead letter {}", printable(id)));
    return session.ask(method, fmt::format("/api/v4/dead_letters/{}{}", percent_encode(id), verb));
}

void change_one(CtlSession& session, Method method, std::string_view id, std::string_view verb) {
    const auto data = change_letter(session, method, id, verb);
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    session.out() << "ok\n";
}

void drop_dead_letter(CtlSession& session, CtlArguments arguments) {
    change_one(session, Method::del, arguments[0], "");
}

void retry_all(CtlSession& session) {
    const auto letters = session.ask_all("/api/v4/dead_letters");
    if (!letters)
        return;
    std::size_t gone = 0;
    for (const auto& item : *letters)
        if (const auto* letter = item.if_object())
            gone += change_letter(session, Method::put, cell(*letter, "id"), "/retry").has_value();
    if (session.json())
        return session.print_json({{"retried", letters->size()}, {"gone", gone}});
    session.out() << fmt::format("{} of {} dead letters are gone\n", gone, letters->size());
}

void retry_dead_letter(CtlSession& session, CtlArguments arguments) {
    if (arguments[0] == "all")
        return retry_all(session);
    change_one(session, Method::put, arguments[0], "/retry");
}

constexpr CtlCommand commands[] = {
    {"pools", "", "", "database pools: state, counts, latencies", list_pools},
    {"spool", "", "", "writes that wait on disk for their database", list_spools},
    {"rules", "", "", "rules and what became of their writes", list_rules},
    {"dead-letters", "list", "", "writes that a database refused for ever", list_dead_letters},
    {"dead-letters", "show", "ID", "one of them with its payload", show_dead_letter},
    {"dead-letters",
     "retry",
     "ID|all",
     "runs it again; it leaves when that works",
     retry_dead_letter},
    {"dead-letters", "drop", "ID", "forgets it for good", drop_dead_letter},
};

}  // namespace

std::span<const CtlCommand> ctl_store_commands() {
    return commands;
}

}  // namespace keepmq::admin
