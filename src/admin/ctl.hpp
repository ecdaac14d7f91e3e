#pragma once
// `keepmq ctl ...`: a client of the admin interface with the verbs of emqx_ctl.

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace keepmq::admin {

struct CtlOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 18083;
    std::string login;
    std::string password;
    bool json = false;
};

/// Runs one command; prints to `out` and `err`. 0 = done, 1 = the broker said no, 2 = usage,
/// 3 = the broker cannot be reached.
int run_ctl(const CtlOptions& options,
            std::span<const std::string_view> arguments,
            std::ostream& out,
            std::ostream& err);

/// The usage text.
[[nodiscard]] std::string_view ctl_usage();

}  // namespace keepmq::admin
