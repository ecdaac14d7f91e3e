#include "admin/http_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "admin/json_text.hpp"

namespace keepmq::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

using HttpRequest = http::request<http::string_body>;
using Parser = http::response_parser<http::string_body>;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds connect_time_out{5};
/// A plugin that is unloaded waits for its pools.
constexpr std::chrono::seconds answer_time_out{90};
constexpr std::uint64_t answer_limit = 512ULL * 1024 * 1024;

http::verb verb_of(Method method) {
    switch (method) {
        case Method::post:
            return http::verb::post;
        case Method::put:
            return http::verb::put;
        case Method::del:
            return http::verb::delete_;
        default:
            return http::verb::get;
    }
}

/// What to connect to when the broker listens on all interfaces.
std::string reachable(std::string host) {
    if (host.empty() || host == "0.0.0.0" || host == "::")
        return "127.0.0.1";
    return host;
}

}  // namespace

class HttpClient::Impl {
  public:
    Impl(std::string host, std::uint16_t port, std::string_view login, std::string_view password)
        : host_{reachable(std::move(host))}, port_{port} {
        if (!login.empty())
            authorization_ = "Basic " + base64(std::string{login} + ':' + std::string{password});
    }

    Result<HttpAnswer> call(Method method, std::string_view target, std::string_view body) {
        HttpRequest request{verb_of(method), beast::string_view{target.data(), target.size()}, 11};
        request.set(http::field::host, address());
        request.set(http::field::user_agent, "keepmq-ctl");
        if (!authorization_.empty())
            request.set(http::field::authorization, authorization_);
        if (!body.empty())
            request.set(http::field::content_type, "application/json");
        request.body() = body;
        request.prepare_payload();

        ErrorCode outcome;
        Parser parser;
        parser.body_limit(answer_limit);
        const auto ended = [](const std::exception_ptr& problem) {
            if (problem)
                std::rethrow_exception(problem);
        };
        asio::co_spawn(context_, exchange(request, parser, outcome), ended);
        context_.restart();
        context_.run();
        if (outcome) {
            stream_.reset();
            return outcome;
        }
        if (!parser.get().keep_alive())
            stream_.reset();
        return HttpAnswer{parser.get().result_int(), std::move(parser.get().body())};
    }

    [[nodiscard]] std::string address() const {
        const bool is_v6 = host_.find(':') != std::string::npos;
        return (is_v6 ? '[' + host_ + ']' : host_) + ':' + std::to_string(port_);
    }

  private:
    asio::awaitable<void> exchange(HttpRequest& request, Parser& parser, ErrorCode& outcome) {
        if (!stream_) {
            outcome = co_await connect();
            if (outcome)
                co_return;
        }
        stream_->expires_after(answer_time_out);
        {
            // The answer may come before all is written: a refusal.
            const auto [error, size] = co_await http::async_write(*stream_, request, awaited);
            outcome = error;
            if (error && error != asio::error::broken_pipe &&
                error != asio::error::connection_reset)
                co_return;
        }
        const auto [error, size] = co_await http::async_read(*stream_, buffer_, parser, awaited);
        outcome = error;
    }

    asio::awaitable<ErrorCode> connect() {
        tcp::resolver resolver{context_};
        const auto service = std::to_string(port_);
        ErrorCode resolve_error;
        const auto endpoints = resolver.resolve(host_, service, resolve_error);
        if (resolve_error)
            co_return resolve_error;
        buffer_.clear();
        stream_.emplace(context_);
        stream_->expires_after(connect_time_out);
        const auto [error, endpoint] = co_await stream_->async_connect(endpoints, awaited);
        if (error)
            stream_.reset();
        co_return error;
    }

    std::string host_;
    std::uint16_t port_;
    std::string authorization_;
    asio::io_context context_{1};
    std::optional<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
};

HttpClient::HttpClient(std::string host,
                       std::uint16_t port,
                       std::string_view login,
                       std::string_view password)
    : impl_{std::make_unique<Impl>(std::move(host), port, login, password)} {}
HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::call(Method method, std::string_view target, std::string_view body) {
    return impl_->call(method, target, body);
}

std::string HttpClient::address() const {
    return impl_->address();
}

}  // namespace keepmq::admin
