#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

/// Each item with `address` made of ip_address and port.
void print_sessions(CtlSession& session, json::array items, std::span<const ListColumn> columns) {
    for (auto& item : items) {
        if (auto* object = item.if_object();
            object != nullptr && cell(*object, "ip_address") != "-")
            (*object)["address"] =
                std::string{object->at("ip_address").as_string()} + ':' + cell(*object, "port");
    }
    session.print_list(items, columns);
}

void list_at(CtlSession& session, const std::string& path, std::span<const ListColumn> columns) {
    auto items = session.ask_all(path);
    if (!items)
        return;
    if (session.json())
        return session.print_json(*items);
    print_sessions(session, *std::move(items), columns);
}

void show_at(CtlSession& session, const std::string& path) {
    const auto data = session.ask(Method::get, path);
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    if (const auto* items = data->if_array()) {
        for (const auto& item : *items) {
            if (item.is_object())
                session.print_members(item.get_object());
        }
    }
}

void list_clients(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"CLIENT", "clientid"},
        {"USERNAME", "username"},
        {"ADDRESS", "address"},
        {"VERSION", "proto_ver", Align::right},
        {"KEEPALIVE", "keepalive", Align::right},
        {"SUBSCRIPTIONS", "subscriptions_cnt", Align::right},
        {"QUEUED", "mqueue_len", Align::right},
        {"INFLIGHT", "inflight", Align::right},
        {"CONNECTED AT", "connected_at"},
    };
    list_at(session, "/api/v4/clients", columns);
}

void list_sessions(CtlSession& session, CtlArguments) {
    static constexpr ListColumn columns[] = {
        {"CLIENT", "clientid"},
        {"CONNECTED", "connected"},
        {"EXPIRY", "expiry_interval", Align::right},
        {"SUBSCRIPTIONS", "subscriptions_cnt", Align::right},
        {"QUEUED", "mqueue_len", Align::right},
        {"DROPPED", "mqueue_dropped", Align::right},
        {"INFLIGHT", "inflight", Align::right},
        {"CREATED AT", "created_at"},
    };
    list_at(session, "/api/v4/sessions", columns);
}

void show_client(CtlSession& session, CtlArguments arguments) {
    show_at(session, "/api/v4/clients/" + percent_encode(arguments[0]));
}

void show_session(CtlSession& session, CtlArguments arguments) {
    show_at(session, "/api/v4/sessions/" + percent_encode(arguments[0]));
}

void kick_client(CtlSession& session, CtlArguments arguments) {
    const auto data = session.ask(Method::del, "/api/v4/clients/" + percent_encode(arguments[0]));
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    session.out() << "ok\n";
}

constexpr CtlCommand commands[] = {
    {"clients", "list", "", "connected clients", list_clients},
    {"clients", "show", "CLIENT", "one connected client", show_client},
    {"clients", "kick", "CLIENT", "ends the connection of a client", kick_client},
    {"sessions", "list", "", "sessions, connected or not", list_sessions},
    {"sessions", "show", "CLIENT", "the session of one client", show_session},
};

}  // namespace

std::span<const CtlCommand> ctl_client_commands() {
    return commands;
}

}  // namespace keepmq::admin
