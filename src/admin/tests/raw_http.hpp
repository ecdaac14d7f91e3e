#pragma once
// A plain socket that speaks to the server byte by byte, so that tests decide every header.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace keepmq::admin {

struct RawAnswer {
    int status = 0;  ///< 0: closed without an answer
    std::string headers;
    std::string body;
    [[nodiscard]] boost::json::value json() const { return boost::json::parse(body); }
};

class RawHttp {
  public:
    explicit RawHttp(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
        const timeval limit{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    ~RawHttp() { ::close(socket_); }
    RawHttp(const RawHttp&) = delete;
    RawHttp& operator=(const RawHttp&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// One answer; of a HEAD request only its header.
    RawAnswer receive(bool with_body = true) {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!more())
                return {};
        }
        RawAnswer out;
        out.headers = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        out.status = std::atoi(out.headers.substr(9, 3).c_str());
        const auto place = out.headers.find("Content-Length: ");
        const auto size = !with_body || place == std::string::npos
                              ? 0U
                              : std::strtoul(out.headers.c_str() + place + 16, nullptr, 10);
        while (buffer_.size() < size && more()) {
        }
        out.body = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return out;
    }

    RawAnswer get(std::string_view target, std::string_view headers = {}) {
        return ask("GET", target, headers);
    }
    RawAnswer ask(std::string_view method,
                  std::string_view target,
                  std::string_view headers = {},
                  std::string_view body = {}) {
        std::string text = std::string{method} + ' ' + std::string{target} + " HTTP/1.1\r\n";
        if (headers.find("Host:") == std::string_view::npos)
            text += "Host: 127.0.0.1\r\n";
        text += headers;
        if (!body.empty())
            text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        send(text + "\r\n" + std::string{body});
        return receive(method != "HEAD");
    }

    /// True when the server closed the connection.
    bool at_end() { return buffer_.empty() && !more(); }

  private:
    bool more() {
        char chunk[4096];
        const auto size = ::recv(socket_, chunk, sizeof chunk, 0);
        if (size <= 0)
            return false;
        buffer_.append(chunk, static_cast<std::size_t>(size));
        return true;
    }

    int socket_;
    bool connected_ = false;
    std::string buffer_;
};

}  // namespace keepmq::admin
