#include "backends/mongo/stream.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace keepmq::mongo {

using std::chrono::milliseconds;

/// The driver sees a C structure with functions in it, and hands it back to them.
struct Streams::Stream {
    mongoc_stream_t table{};
    Streams* owner = nullptr;
    store::Socket socket;
    int error = 0;

    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): `table` comes first
    static Stream& of(mongoc_stream_t* stream) { return *reinterpret_cast<Stream*>(stream); }

    explicit Stream(Streams& streams);
    ~Stream() { owner->remove(&socket); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    int fail(const store::Failure& failure) {
        error = failure.code == store::errc::timed_out ? ETIMEDOUT : ECONNRESET;
        errno = error;
        owner->failure_ = failure;
        return -1;
    }

    ssize_t write(const mongoc_iovec_t* parts, std::size_t count);
    ssize_t read(const mongoc_iovec_t* parts,
                 std::size_t count,
                 std::size_t least,
                 milliseconds patience);
    static ssize_t poll(mongoc_stream_poll_t* streams, std::size_t count, milliseconds patience);
};

Streams::Stream::Stream(Streams& streams) : owner{&streams} {
    constexpr int type_of_ours = 100;  // the driver numbers its own from 1
    table.type = type_of_ours;
    table.destroy = [](mongoc_stream_t* s) { delete &of(s); };
    table.failed = [](mongoc_stream_t* s) { delete &of(s); };
    table.close = [](mongoc_stream_t* s) {
        of(s).socket.close();
        return 0;
    };
    table.flush = [](mongoc_stream_t*) { return 0; };
    table.writev = [](mongoc_stream_t* s, mongoc_iovec_t* parts, std::size_t count, std::int32_t) {
        return of(s).write(parts, count);
    };
    table.readv = [](mongoc_stream_t* s,
                     mongoc_iovec_t* parts,
                     std::size_t count,
                     std::size_t least,
                     std::int32_t patience) {
        return of(s).read(parts, count, least, milliseconds{patience});
    };
    table.setsockopt = [](mongoc_stream_t*, int, int, void*, mongoc_socklen_t) { return 0; };
    table.check_closed = [](mongoc_stream_t* s) {
        // An answer that nobody waits for is as bad as an end.
        return !of(s).socket.is_open() || of(s).socket.has_input(milliseconds{0});
    };
    table.poll = [](mongoc_stream_poll_t* list, std::size_t count, std::int32_t patience) {
        return Stream::poll(list, count, milliseconds{patience});
    };
    table.timed_out = [](mongoc_stream_t* s) { return of(s).error == ETIMEDOUT; };
    table.should_retry = [](mongoc_stream_t* s) { return of(s).error == EAGAIN; };
    owner->add(&socket);
}

ssize_t Streams::Stream::write(const mongoc_iovec_t* parts, std::size_t count) {
    error = 0;
    if (!socket.is_open())
        return fail({store::errc::connection_lost, {}});
    ssize_t sent = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (auto failure =
                socket.write({static_cast<const char*>(parts[i].iov_base), parts[i].iov_len}))
            return fail(*failure);
        sent += static_cast<ssize_t>(parts[i].iov_len);
    }
    return sent;
}

ssize_t Streams::Stream::read(const mongoc_iovec_t* parts,
                              std::size_t count,
                              std::size_t least,
                              milliseconds patience) {
    error = 0;
    if (!socket.is_open())
        return fail({store::errc::connection_lost, {}});
    std::size_t got = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t filled = 0;
        while (filled < parts[i].iov_len) {
            const bool enough = got >= least && got > 0;
            // Without patience nothing is waited for; else the socket's own time-out counts.
            if ((enough || patience.count() == 0) && !socket.has_input(milliseconds{0})) {
                if (got > 0)
                    return static_cast<ssize_t>(got);
                error = errno = EAGAIN;
                return -1;
            }
            if (owner->patience_ > owner->settings_.read_timeout &&
                !socket.has_input(owner->patience_))
                return fail({store::errc::timed_out, "no answer in time"});
            auto answer = socket.read(static_cast<char*>(parts[i].iov_base) + filled,
                                      parts[i].iov_len - filled);
            if (const auto* const failure = std::get_if<store::Failure>(&answer))
                return fail(*failure);
            filled += std::get<std::size_t>(answer);
            got += std::get<std::size_t>(answer);
        }
    }
    return static_cast<ssize_t>(got);
}

/// Streams that can be written to are ready at once; the driver asks for nothing else while it has
/// something to send.
ssize_t Streams::Stream::poll(mongoc_stream_poll_t* streams,
                              std::size_t count,
                              milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    constexpr milliseconds turn{2};  // while several servers are asked who they are
    while (true) {
        ssize_t ready = 0;
        for (std::size_t i = 0; i < count; ++i) {
            auto& one = streams[i];
            one.revents = one.events & POLLOUT;
            const auto wait = count == 1 ? std::max(patience, milliseconds{0}) : milliseconds{0};
            auto& socket = of(one.stream).socket;
            if (!socket.is_open())
                one.revents |= POLLERR;
            else if ((one.events & POLLIN) != 0 && socket.has_input(wait))
                one.revents |= POLLIN;
            ready += one.revents != 0 ? 1 : 0;
        }
        if (ready > 0 || std::chrono::steady_clock::now() >= end)
            return ready;
        if (count > 1)
            std::this_thread::sleep_for(turn);
    }
}

/// Always a stream, if need be one without a connection, which fails when it is used.
/// Libmongoc 1.23 waits for itself for ever when a server that it knows cannot be connected to
/// again: for the error of an initiator it takes a lock that it holds.
mongoc_stream_t* Streams::open(const mongoc_uri_t* /*uri*/,
                               const mongoc_host_list_t* host,
                               void* self,
                               bson_error_t* /*error*/) {
    auto& streams = *static_cast<Streams*>(self);
    auto stream = std::make_unique<Stream>(streams);
    const auto& settings = streams.settings_;
    if (!streams.refusing_) {
        if (auto failure = stream->socket.open({host->host, host->port},
                                               settings.tls,
                                               settings.connect_timeout,
                                               settings.read_timeout))
            streams.failure_ = std::move(failure);
    }
    return &stream.release()->table;
}

void Streams::add(store::Socket* socket) {
    const std::lock_guard lock{mutex_};
    sockets_.push_back(socket);
}

void Streams::remove(store::Socket* socket) {
    const std::lock_guard lock{mutex_};
    std::erase(sockets_, socket);
}

void Streams::refuse() noexcept {
    refusing_ = true;
    interrupt();
}

void Streams::interrupt() noexcept {
    const std::lock_guard lock{mutex_};
    for (auto* const socket : sockets_) socket->interrupt();
}

}  // namespace keepmq::mongo
