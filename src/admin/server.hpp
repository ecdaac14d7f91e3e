#pragma once
// HTTP for operators: `/api/v4/...` in the shape of EMQ X 4.x and `/metrics` for Prometheus.

#include <cstdint>
#include <memory>
#include <string>

#include "admin/source.hpp"
#include "base/result.hpp"

namespace keepmq::admin {

struct ServerOptions {
    std::string host = "127.0.0.1";  ///< address literal, "localhost" or "" for all interfaces
    std::uint16_t port = 18083;      ///< 0: any free one
    /// Basic authentication; both empty: none, allowed on loopback addresses only.
    std::string login;
    std::string password;
};

/// Runs on a thread of its own from `start` until destruction.
class Server {
  public:
    /// Binds at once. An error says why (admin/errc.hpp or the system's); the caller knows the
    /// address.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                               Source& source);
    virtual ~Server() = default;
    /// As bound: `127.0.0.1:18083`.
    [[nodiscard]] virtual std::string address() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace keepmq::admin
