#include "load/client.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace keepmq::load {
namespace {

constexpr std::size_t read_size = 256UL * 1024;

void send_at_once(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

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

void Client::forget() {
    close();
    out_.clear();
    sent_ = 0;
    in_.clear();
}

bool Client::open(const std::string& host, std::uint16_t port, mqtt::ProtocolVersion version) {
    forget();
    version_ = version;
    const auto found = find_endpoint(host, port);
    if (const auto* error = std::get_if<std::string>(&found))
        return fail(*error);
    const auto& endpoint = std::get<Endpoint>(found);
    socket_ = ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0)
        return fail(std::strerror(errno));
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) !=
        0)
        return fail("cannot connect to " + endpoint.text + ": " + std::strerror(errno));
    send_at_once(socket_);
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
    return true;
}

bool Client::begin_open(const Endpoint& endpoint, mqtt::ProtocolVersion version) {
    forget();
    version_ = version;
    socket_ = ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0)
        return fail(std::string{"cannot open a socket: "} + std::strerror(errno));
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) !=
            0 &&
        errno != EINPROGRESS)
        return fail("cannot connect to " + endpoint.text + ": " + std::strerror(errno));
    send_at_once(socket_);
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

std::optional<std::string_view> Client::receive() {
    static thread_local std::vector<char> buffer;
    if (buffer.size() < in_.size() + read_size)
        buffer.resize(in_.size() + read_size);
    const auto count = ::recv(socket_, buffer.data() + in_.size(), read_size, 0);
    if (count == 0) {
        (void)fail("the broker closed the connection");
        return std::nullopt;
    }
    if (count < 0) {
        if (errno == EAGAIN)
            return std::string_view{};
        (void)fail(std::string{"recv: "} + std::strerror(errno));
        return std::nullopt;
    }
    std::memcpy(buffer.data(), in_.data(), in_.size());
    const std::string_view bytes{buffer.data(), in_.size() + static_cast<std::size_t>(count)};
    in_.clear();
    return bytes;
}

void Client::keep(std::string_view rest) {
    if (!rest.empty())
        in_.assign(rest);
}

bool Client::read(const std::function<void(const mqtt::Packet&)>& on_packet) {
    auto bytes = receive();
    if (!bytes)
        return false;
    mqtt::Packet packet;
    const mqtt::DecodeOptions options{version_, mqtt::Sender::server};
    while (!bytes->empty()) {
        const auto decoded = mqtt::decode(*bytes, options, packet);
        if (decoded.status == mqtt::DecodeStatus::incomplete)
            break;
        if (decoded.status == mqtt::DecodeStatus::refused)
            return fail("illegal packet from the broker: " + std::string{decoded.detail});
        bytes->remove_prefix(decoded.consumed);
        on_packet(packet);
    }
    keep(*bytes);
    return true;
}

}  // namespace keepmq::load
