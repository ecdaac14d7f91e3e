#include "store/socket.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "store/tls.hpp"

namespace keepmq::store {
namespace {

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::string system_error(int code) {
    return std::generic_category().message(code);
}

Failure lost(std::string why) {
    return {errc::connection_lost, std::move(why)};
}

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

/// A peer that is gone without a word is noticed, also while nothing is sent.
void watch_peer(int fd, std::chrono::milliseconds io_timeout) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(io_timeout.count()));
}

std::variant<Addresses, Failure> resolve(const Server& server) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error =
        ::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &list);
    if (error != 0)
        return Failure{errc::unreachable,
                       fmt::format("{}: {}", to_string(server), ::gai_strerror(error))};
    return Addresses{list};
}

}  // namespace

Socket::Socket() = default;
Socket::~Socket() {
    close();
}

bool Socket::adopt(int fd) {
    const std::lock_guard lock{replacing_};
    fd_ = fd;
    return fd >= 0;
}

void Socket::close() noexcept {
    tls_.reset();
    const std::lock_guard lock{replacing_};
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

void Socket::interrupt() noexcept {
    const std::lock_guard lock{replacing_};
    if (fd_ >= 0)
        ::shutdown(fd_, SHUT_RDWR);
}

Socket::Wait Socket::wait(short events, Milliseconds patience) const {
    pollfd one{fd_, events, 0};
    const int timeout = static_cast<int>(patience.count());
    int ready = 0;
    do {
        ready = ::poll(&one, 1, timeout);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return Wait::timed_out;
    return ready < 0 || (one.revents & POLLNVAL) != 0 ? Wait::broken : Wait::ready;
}

std::optional<Failure> Socket::open(const Server& server,
                                    const Tls& tls,
                                    Milliseconds connect_timeout,
                                    Milliseconds io_timeout) {
    close();
    io_timeout_ = io_timeout;
    auto resolved = resolve(server);
    if (auto* const failure = std::get_if<Failure>(&resolved))
        return std::move(*failure);
    std::string why = "no address";
    for (const auto* each = std::get<Addresses>(resolved).get(); each != nullptr;
         each = each->ai_next) {
        close();
        if (!adopt(::socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))) {
            why = system_error(errno);
            continue;
        }
        watch_peer(fd_, io_timeout);
        if (::connect(fd_, each->ai_addr, each->ai_addrlen) != 0 && errno != EINPROGRESS) {
            why = system_error(errno);
            continue;
        }
        if (wait(POLLOUT, connect_timeout) == Wait::timed_out) {
            why = "no answer within the time-out";
            continue;
        }
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            why = system_error(error);
            continue;
        }
        return tls.enabled ? start_tls(server, tls, connect_timeout) : std::nullopt;
    }
    close();
    return Failure{errc::unreachable, fmt::format("{}: {}", to_string(server), why)};
}

std::optional<Failure> Socket::start_tls(const Server& server,
                                         const Tls& tls,
                                         Milliseconds timeout) {
    auto made = TlsSession::make(fd_, server, tls);
    if (auto* const failure = std::get_if<Failure>(&made)) {
        close();
        return std::move(*failure);
    }
    tls_ = std::get<std::unique_ptr<TlsSession>>(std::move(made));
    std::string why;
    auto code = errc::unreachable;
    while (true) {
        const auto progress = tls_->handshake();
        if (progress.step == TlsSession::Step::done)
            return std::nullopt;
        const bool reads = progress.step == TlsSession::Step::wants_read;
        if (!reads && progress.step != TlsSession::Step::wants_write) {
            why = tls_->error();
            if (progress.step == TlsSession::Step::refused)
                code = errc::access_denied;
            break;
        }
        if (wait(reads ? POLLIN : POLLOUT, timeout) != Wait::ready) {
            why = "no answer within the time-out";
            break;
        }
    }
    close();
    return Failure{code, fmt::format("{}: TLS: {}", to_string(server), why)};
}

std::optional<Failure> Socket::write(std::string_view bytes) {
    while (!bytes.empty()) {
        short wanted = POLLOUT;
        if (tls_) {
            const auto progress = tls_->write(bytes);
            if (progress.step == TlsSession::Step::done) {
                bytes.remove_prefix(progress.bytes);
                continue;
            }
            if (progress.step == TlsSession::Step::wants_read)
                wanted = POLLIN;
            else if (progress.step != TlsSession::Step::wants_write)
                return lost(tls_->error());
        } else {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
                continue;
            }
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return lost(system_error(errno));
        }
        if (const auto ready = wait(wanted, io_timeout_); ready != Wait::ready)
            return ready == Wait::timed_out
                       ? Failure{errc::timed_out, "the server takes no more bytes"}
                       : lost("the connection is broken");
    }
    return std::nullopt;
}

bool Socket::has_input(Milliseconds patience) const {
    return (tls_ && tls_->has_input()) || wait(POLLIN, patience) != Wait::timed_out;
}

std::variant<std::size_t, Failure> Socket::read(char* buffer, std::size_t size) {
    while (true) {
        short wanted = POLLIN;
        if (tls_) {
            const auto progress = tls_->read(buffer, size);
            if (progress.step == TlsSession::Step::done)
                return progress.bytes;
            if (progress.step == TlsSession::Step::wants_write)
                wanted = POLLOUT;
            else if (progress.step != TlsSession::Step::wants_read)
                return lost(tls_->error());
        } else {
            const auto got = ::recv(fd_, buffer, size, 0);
            if (got > 0)
                return static_cast<std::size_t>(got);
            if (got == 0)
                return lost("the server closed the connection");
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return lost(system_error(errno));
        }
        if (const auto ready = wait(wanted, io_timeout_); ready != Wait::ready)
            return ready == Wait::timed_out ? Failure{errc::timed_out, "no answer in time"}
                                            : lost("the connection is broken");
    }
}

}  // namespace keepmq::store
