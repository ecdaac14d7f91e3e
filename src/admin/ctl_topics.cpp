// Subscriptions, topics and retained messages.
#include <boost/json/serialize.hpp>
#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

void list_at(CtlSession& session, const std::string& path, std::span<const ListColumn> columns) {
    const auto items = session.ask_all(path);
    if (!items)
        return;
    if (session.json())
        return session.print_json(*items);
    session.print_list(*items, columns);
}

constexpr ListColumn subscription_columns[] = {
    {"CLIENT", "clientid"},
    {"TOPIC", "topic"},
    {"QOS", "qos", Align::right},
    {"NO LOCAL", "nl"},
    {"RETAIN AS PUBLISHED", "rap"},
    {"RETAIN HANDLING", "rh", Align::right},
};

void list_subscriptions(CtlSession& session, CtlArguments) {
    list_at(session, "/api/v4/subscriptions", subscription_columns);
}

void show_subscriptions(CtlSession& session, CtlArguments arguments) {
    list_at(session, "/api/v4/subscriptions/" + percent_encode(arguments[0]), subscription_columns);
}

void order(CtlSession& session, std::string_view path, const json::object& body) {
    const auto data = session.ask(Method::post, path, json::serialize(body));
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    session.out() << "ok\n";
}

void add_subscription(CtlSession& session, CtlArguments arguments) {
    const auto text = arguments[2];
    if (text.size() != 1 || text[0] < '0' || text[0] > '2')
        return session.fail(2, "QOS must be 0, 1 or 2");
    json::object body;
    body["clientid"] = arguments[0];
    body["topic"] = arguments[1];
    body["qos"] = text[0] - '0';
    order(session, "/api/v4/mqtt/subscribe", body);
}

void delete_subscription(CtlSession& session, CtlArguments arguments) {
    json::object body;
    body["clientid"] = arguments[0];
    body["topic"] = arguments[1];
    order(session, "/api/v4/mqtt/unsubscribe", body);
}

void print_topics(CtlSession& session, const std::string& path) {
    const auto items = session.ask_all(path);
    if (!items)
        return;
    if (session.json())
        return session.print_json(*items);
    for (const auto& item : *items) {
        if (const auto* topic = item.if_object())
            session.out() << cell(*topic, "topic") << " -> " << cell(*topic, "node") << '\n';
    }
}

void list_topics(CtlSession& session, CtlArguments) {
    print_topics(session, "/api/v4/topics");
}

void show_topic(CtlSession& session, CtlArguments arguments) {
    print_topics(session, "/api/v4/topics/" + percent_encode(arguments[0]));
}

void list_retained(CtlSession& session, CtlArguments arguments) {
    static constexpr ListColumn columns[] = {
        {"TOPIC", "topic"},
        {"QOS", "qos", Align::right},
        {"BYTES", "payload_bytes", Align::right},
        {"FROM", "from_clientid"},
        {"PUBLISHED AT", "publish_at"},
        {"ID", "msgid"},
    };
    std::string path = "/api/v4/retained";
    if (!arguments.empty())
        path += "?filter=" + percent_encode(arguments[0]);
    list_at(session, path, columns);
}

void delete_retained(CtlSession& session, CtlArguments arguments) {
    const auto data = session.ask(Method::del, "/api/v4/retained/" + percent_encode(arguments[0]));
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    session.out() << "ok\n";
}

constexpr CtlCommand commands[] = {
    {"subscriptions", "list", "", "all subscriptions", list_subscriptions},
    {"subscriptions", "show", "CLIENT", "subscriptions of one client", show_subscriptions},
    {"subscriptions", "add", "CLIENT TOPIC QOS", "subscribes a connected client", add_subscription},
    {"subscriptions",
     "del",
     "CLIENT TOPIC",
     "unsubscribes a connected client",
     delete_subscription},
    {"topics", "list", "", "distinct topic filters", list_topics},
    {"topics", "show", "FILTER", "one topic filter", show_topic},
    {"retained", "list", "[FILTER]", "retained messages, of a filter or all", list_retained},
    {"retained", "delete", "TOPIC", "forgets the retained message of a topic", delete_retained},
};

}  // namespace

std::span<const CtlCommand> ctl_topic_commands() {
    return commands;
}

}  // namespace keepmq::admin
