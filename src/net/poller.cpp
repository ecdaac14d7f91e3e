#include "net/poller.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/result.hpp"

namespace keepmq::net {
namespace {

constexpr std::size_t most_at_once = 256;
constexpr std::uint32_t reading = EPOLLIN | EPOLLRDHUP | EPOLLET;

int create_set() {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        throw std::system_error{errno, std::generic_category(), "epoll_create1"};
    return set;
}

bool control(int set, int operation, int descriptor, std::uint32_t events, Poller::Socket& socket) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &socket;
    return ::epoll_ctl(set, operation, descriptor, &event) == 0;
}

Poller::Ready ready_of(std::uint32_t events) {
    const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
    return {.readable = failed || (events & (EPOLLIN | EPOLLRDHUP)) != 0,
            .writable = failed || (events & EPOLLOUT) != 0,
            .ended = failed || (events & EPOLLRDHUP) != 0};
}

}  // namespace

Poller::Poller(boost::asio::io_context& loop) : loop_{&loop}, set_{loop, create_set()} {}

bool Poller::add(int descriptor, Socket& socket) {
    if (!control(set_.native_handle(), EPOLL_CTL_ADD, descriptor, reading, socket))
        return false;
    ++sockets_;
    wait();
    return true;
}

void Poller::await_writable(int descriptor, Socket& socket) {
    control(set_.native_handle(), EPOLL_CTL_MOD, descriptor, reading | EPOLLOUT, socket);
}

void Poller::remove(const Socket& socket) {
    for (auto i = reported_; i < reports_.size(); ++i) {
        if (reports_[i].socket == &socket)
            reports_[i].socket = nullptr;
    }
    std::erase(again_, &socket);
    // A loop that has nothing else to do may end.
    ErrorCode ignored;
    if (--sockets_ == 0)
        set_.cancel(ignored);
}

void Poller::again(Socket& socket) {
    again_.push_back(&socket);
    turn_later();
}

void Poller::wait() {
    if (waiting_ || sockets_ == 0)
        return;
    waiting_ = true;
    set_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const ErrorCode& error) {
        waiting_ = false;
        if (!error)
            turn();
        wait();
    });
}

void Poller::turn_later() {
    if (turn_is_due_)
        return;
    turn_is_due_ = true;
    boost::asio::post(*loop_, [this] {
        turn_is_due_ = false;
        turn();
    });
}

void Poller::turn() {
    ++turns_;
    std::array<epoll_event, most_at_once> events;
    const int found = ::epoll_wait(set_.native_handle(), events.data(), most_at_once, 0);
    const auto count = static_cast<std::size_t>(std::max(found, 0));
    for (std::size_t i = 0; i < count; ++i)
        reports_.push_back({static_cast<Socket*>(events[i].data.ptr), ready_of(events[i].events)});
    for (auto* socket : std::exchange(again_, {})) reports_.push_back({socket, {.readable = true}});
    for (reported_ = 0; reported_ < reports_.size();) {
        const auto [socket, ready] = reports_[reported_++];
        if (socket != nullptr)
            socket->on_ready(ready);
    }
    reports_.clear();
    if (count == most_at_once)
        turn_later();
}

}  // namespace keepmq::net
