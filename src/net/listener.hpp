#pragma once
// Accepts TCP connections on one address and hands the sockets to its owner.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace keepmq::net {

/// Bound and listening when constructed. Lives on the thread of its io_context.
class Listener {
  public:
    using Accept = std::function<void(boost::asio::ip::tcp::socket)>;

    /// Address literal and port; "" listens on all interfaces, IPv4 and IPv6. Errors name the
    /// address.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& context,
                                                                const std::string& host,
                                                                std::uint16_t port);
    virtual ~Listener() = default;

    virtual void start(Accept accept) = 0;
    virtual void stop() = 0;
    /// As bound: `127.0.0.1:1883`, `[::1]:1883`.
    [[nodiscard]] virtual std::string address() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    [[nodiscard]] virtual bool is_loopback() const = 0;
};

/// `host:port` with brackets around an IPv6 address.
[[nodiscard]] std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace keepmq::net
