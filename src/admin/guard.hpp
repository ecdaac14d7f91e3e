#pragma once
// Who may ask: Basic authentication, and protection from web pages that a browser on this machine
// shows. Immutable.

#include <optional>
#include <string>
#include <string_view>

#include "admin/reply.hpp"

namespace keepmq::admin {

/// What the decision depends on; absent headers are empty.
struct Credentials {
    bool reads_only = true;  ///< GET and HEAD
    std::string_view target;
    std::string_view host;
    std::string_view origin;
    std::string_view fetch_site;  ///< Sec-Fetch-Site
    std::string_view authorization;
};

class Guard {
  public:
    /// Both empty: no authentication.
    Guard(std::string_view login, std::string_view password);

    /// The refusal: 401 or 403; nothing if the request may pass.
    ///
    /// - A request that changes something must not come from a page of another origin: browsers
    /// send
    ///   a remembered login along.
    /// - Without a login the Host must be an IP address or `localhost`. A page whose name was made
    ///   to resolve to this machine (DNS rebinding) sends its own name. With a login it has none.
    [[nodiscard]] std::optional<Reply> refuse(const Credentials& given) const;

  private:
    [[nodiscard]] bool knows(std::string_view authorization) const;

    std::string expected_;  // base64 of `login:password`; empty: no authentication
};

/// `127.0.0.1`, `[::1]:18083`, `localhost:18083`: what DNS cannot redirect.
[[nodiscard]] bool is_literal_host(std::string_view host);

}  // namespace keepmq::admin
