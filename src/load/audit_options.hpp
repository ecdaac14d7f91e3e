#pragma once
// The command line of `keepmq audit`.

#include <span>
#include <string>
#include <string_view>

#include "load/audit_plan.hpp"

namespace keepmq::load {

struct AuditOptions {
    AuditPlan plan;
    std::string kind;         ///< of the database: `sqlite`
    std::string pool;         ///< `pool1`
    std::string plugin_conf;  ///< empty: where keepmq.conf says
    std::string log;          ///< written while publishing; empty: none
    std::string check;        ///< a log of an earlier audit: publish nothing, only compare
    bool json = false;
    bool quiet = false;  ///< no line of progress each second
    std::string error;   ///< not empty: the command line is wrong
};

[[nodiscard]] std::string_view audit_usage();
[[nodiscard]] AuditOptions parse_audit_options(std::span<const std::string_view> arguments);

}  // namespace keepmq::load
