#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

const json::object* first_object(const json::value& data) {
    if (!data.is_array() || data.get_array().empty())
        return nullptr;
    return data.get_array()[0].if_object();
}

void show_persistence(CtlSession& session, const json::object& kept) {
    if (cell(kept, "on") != "true") {
        session.out() << "sessions and retained messages end with the broker\n";
        return;
    }
    session.out() << "sessions and retained messages are kept on disk, " << cell(kept, "backlog")
                  << " changes under way\n";
    if (cell(kept, "set_aside") != "0")
        session.out() << "their file was damaged at the start and set aside: see the log\n";
    if (const auto* error = kept.if_contains("last_error");
        error && error->is_string() && !error->get_string().empty())
        session.out() << "they CANNOT BE WRITTEN now: " << cell(kept, "last_error") << '\n';
}

void show_status(CtlSession& session, CtlArguments) {
    const auto data = session.ask(Method::get, "/api/v4/brokers");
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    if (const auto* broker = first_object(*data)) {
        session.out() << "Node '" << cell(*broker, "node") << "' is started\n"
                      << "keepmq " << cell(*broker, "version") << " is running\n";
        if (const auto shards = cell(*broker, "shards"); shards != "1")
            session.out() << "clients are served by " << shards << " shards\n";
        if (const auto* kept = broker->if_contains("persistence"); kept && kept->is_object())
            show_persistence(session, kept->get_object());
    }
}

void show_broker(CtlSession& session, CtlArguments) {
    const auto data = session.ask(Method::get, "/api/v4/brokers");
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    const auto* broker = first_object(*data);
    if (broker == nullptr)
        return;
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto* name : {"sysdescr", "version", "node", "uptime", "datetime"})
        pairs.emplace_back(name, cell(*broker, name));
    print_pairs(session.out(), pairs);
}

void show_figures(CtlSession& session, std::string_view path, std::string_view member) {
    const auto data = session.ask(Method::get, path);
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    if (const auto* figures = of_first_node(*data, member).if_object())
        session.print_members(*figures);
}

void show_stats(CtlSession& session, CtlArguments) {
    show_figures(session, "/api/v4/stats", "stats");
}

void show_counters(CtlSession& session, CtlArguments) {
    show_figures(session, "/api/v4/metrics", "metrics");
}

void show_prometheus(CtlSession& session, CtlArguments) {
    if (session.json())
        return show_figures(session, "/api/v4/metrics", "metrics");
    if (const auto text = session.ask_text("/metrics"))
        session.out() << *text;
}

void list_listeners(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"LISTENER", "name"},
        {"ADDRESS", "listen_on"},
        {"CONNECTIONS", "current_conns", Align::right},
        {"LIMIT", "max_conns", Align::right},
        {"ACCEPTED", "accepted", Align::right},
    };
    const auto data = session.ask(Method::get, "/api/v4/listeners");
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    if (const auto* listeners = of_first_node(*data, "listeners").if_array())
        session.print_list(*listeners, columns);
}

constexpr CtlCommand commands[] = {
    {"status", "", "", "whether the broker runs", show_status},
    {"broker", "", "", "version, node and uptime", show_broker},
    {"broker", "stats", "", "gauges", show_stats},
    {"broker", "metrics", "", "counters since the start", show_counters},
    {"metrics", "", "", "everything, in the format of Prometheus", show_prometheus},
    {"listeners", "", "", "listeners for MQTT clients", list_listeners},
};

}  // namespace

std::span<const CtlCommand> ctl_broker_commands() {
    return commands;
}

}  // namespace keepmq::admin
