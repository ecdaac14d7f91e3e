#include <fmt/format.h>

#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

void list_plugins(CtlSession& session, CtlArguments) {
    const auto data = session.ask(Method::get, "/api/v4/plugins");
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    const auto* plugins = of_first_node(*data, "plugins").if_array();
    if (plugins == nullptr)
        return;
    for (const auto& item : *plugins) {
        const auto* plugin = item.if_object();
        if (plugin == nullptr)
            continue;
        // The line is EMQ X's, so that scripts that read it go on working.
        session.out() << fmt::format("Plugin({}, description={}, active={})\n",
                                     cell(*plugin, "name"),
                                     cell(*plugin, "description"),
                                     cell(*plugin, "active"));
        if (const auto error = cell(*plugin, "error"); error != "-")
            session.out() << "  error: " << error << '\n';
    }
}

void change(CtlSession& session, std::string_view name, std::string_view verb) {
    session.set_failure_prefix(fmt::format("Plugin {} could not be {}ed", printable(name), verb));
    const auto path = fmt::format("/api/v4/plugins/{}/{}", percent_encode(name), verb);
    const auto data = session.ask(Method::put, path);
    if (!data)
        return;
    if (session.json())
        return session.print_json(*data);
    const auto* done = data->if_object();
    const auto message = done != nullptr ? cell(*done, "message") : "-";
    session.out() << (message != "-"
                          ? message + '\n'
                          : fmt::format("Plugin {} {}ed successfully.\n", printable(name), verb));
}

void load(CtlSession& session, CtlArguments arguments) {
    change(session, arguments[0], "load");
}
void unload(CtlSession& session, CtlArguments arguments) {
    change(session, arguments[0], "unload");
}
void reload(CtlSession& session, CtlArguments arguments) {
    change(session, arguments[0], "reload");
}

constexpr CtlCommand commands[] = {
    {"plugins", "list", "", "plugins, loaded or not", list_plugins},
    {"plugins", "load", "NAME", "starts a plugin", load},
    {"plugins", "unload", "NAME", "stops a plugin", unload},
    {"plugins", "reload", "NAME", "reads its file again and restarts it", reload},
};

}  // namespace

std::span<const CtlCommand> ctl_plugin_commands() {
    return commands;
}

}  // namespace keepmq::admin
