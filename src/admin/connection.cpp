#include "admin/connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "admin/router.hpp"
#include "base/log.hpp"

namespace keepmq::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Parser = http::request_parser<http::string_body>;
using Response = http::response<http::string_body>;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);

const Log log{"admin"};

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get:
        case http::verb::head:
            return Method::get;
        case http::verb::post:
            return Method::post;
        case http::verb::put:
            return Method::put;
        case http::verb::delete_:
            return Method::del;
        default:
            return Method::other;
    }
}

/// For a request that could not be read; nothing if the peer is gone or silent.
std::optional<Reply> reply_to_unreadable(const boost::system::error_code& error) {
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        return std::nullopt;
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return failure(431, Code::bad_parameter, "the header is too large");
    if (error == http::error::body_limit)
        return failure(413, Code::bad_parameter, "the body is too large");
    if (error.category() == http::make_error_code(http::error::bad_version).category())
        return failure(400, Code::bad_parameter, "not a valid HTTP request");
    return std::nullopt;
}

Reply answer_safely(Source& source, Method method, std::string_view target, std::string body) {
    try {
        return answer(source, method, target, std::move(body));
    } catch (const std::exception& problem) {
        log.error("request failed target={} error={}", escaped(target), problem.what());
        return failure(500, Code::internal, "the request failed; see the log");
    }
}

Response make_response(Reply&& reply, unsigned version, bool without_body) {
    Response response{http::int_to_status(reply.status), version};
    response.set(http::field::server, "keepmq");
    response.set(http::field::content_type, reply.content_type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    if (reply.status == 401)
        response.set(http::field::www_authenticate, R"(Basic realm="keepmq", charset="UTF-8")");
    if (!reply.allow.empty())
        response.set(http::field::allow, reply.allow);
    response.content_length(reply.body.size());
    if (!without_body)
        response.body() = std::move(reply.body);
    return response;
}

class Connection {
  public:
    Connection(asio::ip::tcp::socket socket, const Guard& guard, Source& source)
        : stream_{std::move(socket)}, guard_{guard}, source_{source} {}

    asio::awaitable<void> run() {
        bool keep = true;
        while (keep) {
            Parser parser;
            auto reply = co_await read_request(parser);
            if (!reply)
                co_return;
            keep = parser.is_done() && parser.get().keep_alive();
            auto response = make_response(*std::move(reply),
                                          parser.is_header_done() ? parser.get().version() : 11,
                                          parser.get().method() == http::verb::head);
            response.keep_alive(keep);
            stream_.expires_after(write_time_out);
            const auto [error, written] = co_await http::async_write(stream_, response, awaited);
            if (error)
                co_return;
        }
        co_await linger();
    }

  private:
    /// Reads one request and answers it. A refused one is answered before its body is read.
    asio::awaitable<std::optional<Reply>> read_request(Parser& parser) {
        parser.header_limit(header_limit);
        parser.body_limit(body_limit);
        stream_.expires_after(read_time_out);
        {
            const auto [error, size] =
                co_await http::async_read_header(stream_, buffer_, parser, awaited);
            if (error)
                co_return reply_to_unreadable(error);
        }
        const auto& request = parser.get();
        if (request.version() >= 11 && request[http::field::host].empty())
            co_return failure(400, Code::bad_parameter, "the Host header is missing");
        if (auto refusal = guard_.refuse(credentials_of(request)))
            co_return refusal;
        if (!parser.is_done() && beast::iequals(request[http::field::expect], "100-continue")) {
            http::response<http::empty_body> go_on{http::status::continue_, request.version()};
            const auto [error, size] = co_await http::async_write(stream_, go_on, awaited);
            if (error)
                co_return std::nullopt;
        }
        {
            const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, awaited);
            if (error)
                co_return reply_to_unreadable(error);
        }
        co_return answer_safely(source_,
                                method_of(request.method()),
                                view(request.target()),
                                std::move(parser.get().body()));
    }

    static Credentials credentials_of(const Parser::value_type& request) {
        const bool reads =
            request.method() == http::verb::get || request.method() == http::verb::head;
        return {.reads_only = reads,
                .target = view(request.target()),
                .host = view(request[http::field::host]),
                .origin = view(request[http::field::origin]),
                .fetch_site = view(request["Sec-Fetch-Site"]),
                .authorization = view(request[http::field::authorization])};
    }

    /// Closing with unread bytes would reset the connection, and the peer might lose the answer.
    asio::awaitable<void> linger() {
        boost::system::error_code ignored;
        stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        stream_.expires_after(std::chrono::seconds{2});
        std::array<char, 4096> waste;
        for (std::size_t total = 0; total < 4 * body_limit;) {
            const auto [error, size] =
                co_await stream_.async_read_some(asio::buffer(waste), awaited);
            if (error)
                co_return;
            total += size;
        }
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{header_limit + body_limit};
    const Guard& guard_;
    Source& source_;
};

}  // namespace

asio::awaitable<void> serve(asio::ip::tcp::socket socket, const Guard& guard, Source& source) {
    Connection connection{std::move(socket), guard, source};
    co_await connection.run();
}

}  // namespace keepmq::admin
