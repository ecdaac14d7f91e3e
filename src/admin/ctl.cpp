#include "admin/ctl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <ostream>

#include "admin/ctl_commands.hpp"

namespace keepmq::admin {
namespace {

std::vector<CtlCommand> collect_commands() {
    std::vector<CtlCommand> all;
    for (const auto commands : {ctl_broker_commands(),
                                ctl_client_commands(),
                                ctl_topic_commands(),
                                ctl_plugin_commands(),
                                ctl_store_commands()})
        all.insert(all.end(), commands.begin(), commands.end());
    return all;
}

const std::vector<CtlCommand>& all_commands() {
    static const auto commands = collect_commands();
    return commands;
}

std::string call_text(const CtlCommand& command) {
    std::string out{command.group};
    for (const auto part : {command.verb, command.arguments}) {
        if (!part.empty())
            out += fmt::format(" {}", part);
    }
    return out;
}

std::string make_usage() {
    std::string out = "Usage: keepmq ctl [options] COMMAND\n\nCommands:\n";
    for (const auto& command : all_commands())
        out += fmt::format("  {:<40}{}\n", call_text(command), command.help);
    out +=
        "\nOptions:\n"
        "  --json                                  the data of the answer, for scripts\n"
        "  -c FILE                                 says where the broker is; etc/keepmq.conf\n";
    return out;
}

/// Whether so many arguments fit `CLIENT TOPIC [X]`.
bool takes(const CtlCommand& command, std::size_t given) {
    const auto shown = command.arguments;
    if (shown.empty())
        return given == 0;
    const auto most = static_cast<std::size_t>(std::ranges::count(shown, ' ')) + 1;
    const auto optional = static_cast<std::size_t>(std::ranges::count(shown, '['));
    return given <= most && given + optional >= most;
}

const CtlCommand* find_command(std::span<const std::string_view> arguments, CtlArguments& rest) {
    const auto find = [&](std::string_view verb) -> const CtlCommand* {
        const auto found = std::ranges::find_if(all_commands(), [&](const CtlCommand& command) {
            return command.group == arguments[0] && command.verb == verb;
        });
        return found == all_commands().end() ? nullptr : &*found;
    };
    if (arguments.size() > 1 && !arguments[1].empty()) {
        rest = arguments.subspan(2);
        if (const auto* command = find(arguments[1]))
            return command;
    }
    rest = arguments.subspan(1);
    return find("");
}

/// What the group offers; everything if there is no such group.
void print_usage_of(std::string_view group, std::ostream& err) {
    bool found = false;
    for (const auto& command : all_commands()) {
        if (command.group != group)
            continue;
        err << (found ? "       " : "Usage: ") << "keepmq ctl " << call_text(command) << '\n';
        found = true;
    }
    if (!found)
        err << ctl_usage();
}

}  // namespace

std::string_view ctl_usage() {
    static const auto usage = make_usage();
    return usage;
}

int run_ctl(const CtlOptions& options,
            std::span<const std::string_view> arguments,
            std::ostream& out,
            std::ostream& err) {
    if (arguments.empty()) {
        err << ctl_usage();
        return 2;
    }
    if (arguments[0] == "help" && arguments.size() == 1) {
        out << ctl_usage();
        return 0;
    }
    CtlArguments rest;
    const auto* command = find_command(arguments, rest);
    const bool has_empty = std::ranges::any_of(rest, &std::string_view::empty);
    if (command == nullptr || !takes(*command, rest.size()) || has_empty) {
        print_usage_of(arguments[0], err);
        return 2;
    }
    try {
        CtlSession session{options, out, err};
        command->run(session, rest);
        return session.exit_code();
    } catch (const std::exception& problem) {
        err << "unexpected answer: " << printable(problem.what()) << '\n';
        return 3;
    }
}

}  // namespace keepmq::admin
