#pragma once
// The commands of the program. Each returns the exit code.

#include "app/options.hpp"

namespace keepmq::app {

int run_start(const Options& options);
int run_check(const Options& options);
/// rest: show|create|check KIND POOL
int run_schema(const Options& options);
/// rest: KIND POOL and the options of `keepmq audit`
int run_audit(const Options& options);
/// rest: the verbs of `keepmq ctl`
int run_ctl_command(const Options& options);

}  // namespace keepmq::app
