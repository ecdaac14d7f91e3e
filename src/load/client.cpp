#include "load/client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace keepmq::load {

Client::~Client() {
    close();
}

void Client::close() {
    if (socket_ >= 0)
        ::close(socket_);
    socket_ = -1;
}

bool Client::fail(std::string why) {
    error_ = std::move(why);
    close();
    return false;
}

bool Client::open(const std::string& host, std::uint16_t port, mqtt::ProtocolVersion version) {
    version_ = version;
    out_.clear();
    sent_ = 0;
    in_.clear();
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    const sockaddr* address = nullptr;
    socklen_t size = 0;
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        address = reinterpret_cast<const sockaddr*>(&v4);
        size = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        address = reinterpret_cast<const sockaddr*>(&v6);
        size = sizeof v6;
    } else {
        return fail("not an address: " + host);
    }
    socket_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0)
        return fail(std::strerror(errno));
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket_, address, size) != 0)
        return fail("cannot connect to " + host + ':' + std::to_string(port) + ": " +
                    std::strerror(errno));
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
    return true;
}

bool Client::flush() {
    while (sent_ < out_.size()) {
        const auto count = ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EAGAIN)
                return true;
            return fail(std::string{"send: "} + std::strerror(errno));
        }
        sent_ += static_cast<std::size_t>(count);
    }
    out_.clear();
    sent_ = 0;
    return true;
}

bool Client::read(const std::function<void(const mqtt::Packet&)>& on_packet) {
    static thread_local std::array<char, 256UL * 1024> buffer;
    const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count == 0)
        return fail("the broker closed the connection");
    if (count < 0)
        return errno == EAGAIN ? true : fail(std::string{"recv: "} + std::strerror(errno));
    std::string_view bytes{buffer.data(), static_cast<std::size_t>(count)};
    std::string joined;
    if (!in_.empty()) {
        in_.append(bytes);
        joined.swap(in_);
        bytes = joined;
    }
    const mqtt::DecodeOptions options{version_, mqtt::Sender::server};
    while (!bytes.empty()) {
        const auto decoded = mqtt::decode(bytes, options, packet_);
        if (decoded.status == mqtt::DecodeStatus::incomplete)
            break;
        if (decoded.status == mqtt::DecodeStatus::refused)
            return fail("illegal packet from the broker: " + std::string{decoded.detail});
        bytes.remove_prefix(decoded.consumed);
        on_packet(packet_);
    }
    in_.assign(bytes);
    return true;
}

const mqtt::Packet* Client::await_packet() {
    const mqtt::Packet* got = nullptr;
    while (got == nullptr) {
        pollfd waiting{socket_, POLLIN, 0};
        if (!flush() || ::poll(&waiting, 1, 10'000) <= 0) {
            if (is_open())
                (void)fail("no answer within 10 s");
            return nullptr;
        }
        if (!read([&](const mqtt::Packet& packet) { got = &packet; }))
            return nullptr;
    }
    return got;
}

}  // namespace keepmq::load
