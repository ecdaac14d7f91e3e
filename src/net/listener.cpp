#include "net/listener.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/log.hpp"

namespace keepmq::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

const Log log{"net"};

class TcpListener final : public Listener {
  public:
    explicit TcpListener(asio::io_context& context) : acceptor_{context}, pause_{context} {}

    ErrorCode bind(const std::string& host, std::uint16_t port) {
        ErrorCode error;
        const auto address = host.empty() ? asio::ip::address{asio::ip::address_v6::any()}
                                          : asio::ip::make_address(host, error);
        if (error)
            return error;
        tcp::endpoint endpoint{address, port};
        acceptor_.open(endpoint.protocol(), error);
        if (error && host.empty()) {  // a machine without IPv6
            endpoint = tcp::endpoint{asio::ip::address_v4::any(), port};
            error.clear();
            acceptor_.open(endpoint.protocol(), error);
        }
        if (error)
            return error;
        acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
        if (endpoint.protocol() == tcp::v6())
            acceptor_.set_option(asio::ip::v6_only{!host.empty()}, error);
        error.clear();
        acceptor_.bind(endpoint, error);
        if (!error)
            acceptor_.listen(1024, error);
        if (!error)
            bound_ = acceptor_.local_endpoint(error);
        return error;
    }

    void start(Accept accept) override {
        accept_ = std::move(accept);
        next();
    }

    void stop() override {
        ErrorCode ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

    [[nodiscard]] std::string address() const override { return to_string(bound_); }
    [[nodiscard]] std::uint16_t port() const override { return bound_.port(); }
    [[nodiscard]] bool is_loopback() const override { return bound_.address().is_loopback(); }

  private:
    void next() {
        acceptor_.async_accept([this](const ErrorCode& error, tcp::socket socket) {
            if (error == asio::error::operation_aborted || !acceptor_.is_open())
                return;
            if (error) {
                // Out of descriptors or the like: accepting at once again would only spin.
                log.warn("accept failed listener={} error={}", address(), error.message());
                pause_.expires_after(std::chrono::milliseconds{200});
                pause_.async_wait([this](const ErrorCode& cancelled) {
                    if (!cancelled)
                        next();
                });
                return;
            }
            accept_(std::move(socket));
            next();
        });
    }

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    tcp::endpoint bound_;
    Accept accept_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& context,
                                                 const std::string& host,
                                                 std::uint16_t port) {
    auto listener = std::make_unique<TcpListener>(context);
    if (const auto error = listener->bind(host, port))
        return error;
    return std::unique_ptr<Listener>{std::move(listener)};
}

std::string to_string(const tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    const std::string host =
        address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
    return host + ':' + std::to_string(endpoint.port());
}

}  // namespace keepmq::net
