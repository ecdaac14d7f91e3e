#pragma once
// The verbs of `keepmq ctl`, one group per file.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "admin/ctl_session.hpp"

namespace keepmq::admin {

using CtlArguments = std::span<const std::string_view>;

struct CtlCommand {
    std::string_view group;
    std::string_view verb;       ///< empty: the group alone
    std::string_view arguments;  ///< as the usage shows them: `CLIENT [FILTER]`
    std::string_view help;
    /// Gets what follows the verb, in the right number. Failures are told to the session.
    void (*run)(CtlSession& session, CtlArguments arguments);
};

[[nodiscard]] std::span<const CtlCommand> ctl_broker_commands();
[[nodiscard]] std::span<const CtlCommand> ctl_client_commands();
[[nodiscard]] std::span<const CtlCommand> ctl_topic_commands();
[[nodiscard]] std::span<const CtlCommand> ctl_plugin_commands();
[[nodiscard]] std::span<const CtlCommand> ctl_store_commands();

}  // namespace keepmq::admin
