#include "admin/server.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <exception>
#include <thread>
#include <utility>

#include "admin/connection.hpp"
#include "admin/errc.hpp"
#include "admin/guard.hpp"
#include "base/log.hpp"

namespace keepmq::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t max_connections = 64;
constexpr std::string_view busy_response =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

const Log log{"admin"};

Result<asio::ip::address> address_of(const std::string& host) {
    if (host.empty())
        return asio::ip::address{asio::ip::address_v6::any()};
    if (host == "localhost")
        return asio::ip::address{asio::ip::address_v4::loopback()};
    ErrorCode error;
    auto address = asio::ip::make_address(host, error);
    if (error)
        return make_error_code(errc::bad_address);
    return address;
}

ErrorCode check(const ServerOptions& options, const asio::ip::address& address) {
    if (options.login.empty() != options.password.empty())
        return errc::half_a_login;
    const auto is_bad = [](char c) { return c == ':' || static_cast<unsigned char>(c) < 0x20; };
    if (std::ranges::any_of(options.login, is_bad))
        return errc::bad_login;
    if (options.login.empty() && !address.is_loopback())
        return errc::login_needed;
    return {};
}

std::string to_text(const tcp::endpoint& endpoint) {
    const auto address = endpoint.address();
    const auto host = address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
    return host + ':' + std::to_string(endpoint.port());
}

class HttpServer final : public Server {
  public:
    HttpServer(const ServerOptions& options, Source& source)
        : guard_{options.login, options.password}, source_{source} {}

    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer() override {
        context_.stop();
        if (thread_.joinable())
            thread_.join();
    }

    ErrorCode bind(const asio::ip::address& address, std::uint16_t port) {
        ErrorCode error;
        tcp::endpoint endpoint{address, port};
        const bool everywhere = address == asio::ip::address{asio::ip::address_v6::any()};
        acceptor_.open(endpoint.protocol(), error);
        if (error && everywhere) {  // a machine without IPv6
            endpoint = tcp::endpoint{asio::ip::address_v4::any(), port};
            acceptor_.open(endpoint.protocol(), error);
        }
        if (error)
            return error;
        ErrorCode ignored;
        acceptor_.set_option(tcp::acceptor::reuse_address{true}, ignored);
        if (endpoint.protocol() == tcp::v6())
            acceptor_.set_option(asio::ip::v6_only{!everywhere}, ignored);
        acceptor_.bind(endpoint, error);
        if (!error)
            acceptor_.listen(128, error);
        if (!error)
            bound_ = acceptor_.local_endpoint(error);
        return error;
    }

    void run() {
        accept_next();
        thread_ = std::thread{[this] {
            pthread_setname_np(pthread_self(), "keepmq-admin");
            context_.run();
        }};
    }

    [[nodiscard]] std::string address() const override { return to_text(bound_); }
    [[nodiscard]] std::uint16_t port() const override { return bound_.port(); }

  private:
    void accept_next() {
        acceptor_.async_accept([this](const ErrorCode& error, tcp::socket socket) {
            if (error) {
                // Out of descriptors or the like: accepting at once again would only spin.
                log.warn("accept failed error={}", error.message());
                pause_.expires_after(std::chrono::milliseconds{200});
                pause_.async_wait([this](const ErrorCode&) { accept_next(); });
                return;
            }
            admit(std::move(socket));
            accept_next();
        });
    }

    void admit(tcp::socket socket) {
        if (open_ >= max_connections) {
            ErrorCode ignored;
            socket.non_blocking(true, ignored);
            socket.write_some(asio::buffer(busy_response), ignored);
            return;
        }
        ++open_;
        asio::co_spawn(context_,
                       serve(std::move(socket), guard_, source_),
                       [this](const std::exception_ptr& problem) {
                           --open_;
                           report(problem);
                       });
    }

    static void report(const std::exception_ptr& problem) {
        try {
            if (problem)
                std::rethrow_exception(problem);
        } catch (const std::exception& error) {
            log.error("connection failed error={}", error.what());
        }
    }

    // Coroutines that still wait are destroyed with the context: what they refer to comes before
    // it.
    const Guard guard_;
    Source& source_;
    std::size_t open_ = 0;
    tcp::endpoint bound_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_};
    asio::steady_timer pause_{context_};
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Source& source) {
    KEEPMQ_TRY(const auto address, address_of(options.host));
    if (const auto error = check(options, address))
        return error;
    auto server = std::make_unique<HttpServer>(options, source);
    if (const auto error = server->bind(address, options.port))
        return error;
    server->run();
    return std::unique_ptr<Server>{std::move(server)};
}

}  // namespace keepmq::admin
