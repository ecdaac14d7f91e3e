// The floor under every broker: a relay that reads PUBLISH packets and forwards them to whoever has
// subscribed, and keeps nothing. No session, no retransmission, no retained message, no limit, no
// check; it acknowledges what it has forwarded. What a broker costs more than this is the price of
// what it does more. MQTT 3.1.1 only.
//
//     floor_relay PORT

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Connection {
    int socket = -1;
    std::string in;
    std::string out;
    std::string filter;  // of a subscriber
    unsigned qos = 0;
    std::uint16_t next_id = 0;
    bool is_dirty = false;
    bool awaits_room = false;
    std::string topic;  // of a publisher: its last one, and who gets it
    std::vector<Connection*> receivers;
    std::size_t receivers_of = 0;  // the number of subscriptions then
};

int epoll_fd = -1;
std::vector<Connection*> subscribers;
std::size_t subscriptions = 0;
std::vector<Connection*> dirty;

Connection& writable(Connection& to) {
    if (!to.is_dirty) {
        to.is_dirty = true;
        dirty.push_back(&to);
    }
    return to;
}

void send(Connection& to, std::initializer_list<unsigned> bytes) {
    for (const auto byte : bytes) writable(to).out += static_cast<char>(byte);
}

bool matches(std::string_view filter, std::string_view topic) {
    if (filter.ends_with('#'))
        return topic.starts_with(filter.substr(0, filter.size() - 1));
    return filter == topic;
}

void find_receivers(Connection& from, std::string_view topic) {
    from.topic = topic;
    from.receivers_of = subscriptions;
    from.receivers.clear();
    for (auto* each : subscribers)
        if (matches(each->filter, topic))
            from.receivers.push_back(each);
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

/// `packet`: all of it, `body`: behind the fixed header.
void on_publish(Connection& from, std::string_view packet, std::string_view body) {
    const unsigned qos = (byte_at(packet, 0) >> 1U) & 3U;
    const std::size_t topic_size = byte_at(body, 0) << 8U | byte_at(body, 1);
    const auto topic = body.substr(2, topic_size);
    const std::size_t id_at = packet.size() - body.size() + 2 + topic_size;
    if (from.receivers_of != subscriptions || from.topic != topic)
        find_receivers(from, topic);
    for (auto* each : from.receivers) {
        // A subscription of a lower QoS would need another packet: the scenarios have none.
        auto& out = writable(*each).out;
        const auto start = out.size();
        out.append(packet);
        if (qos > 0) {
            if (++each->next_id == 0)
                each->next_id = 1;
            out[start + id_at] = static_cast<char>(each->next_id >> 8U);
            out[start + id_at + 1] = static_cast<char>(each->next_id & 0xFFU);
        }
    }
    if (qos > 0)
        send(from,
             {qos == 1 ? 0x40U : 0x50U, 2, byte_at(packet, id_at), byte_at(packet, id_at + 1)});
}

void on_subscribe(Connection& from, std::string_view body) {
    const std::size_t size = byte_at(body, 2) << 8U | byte_at(body, 3);
    from.filter = body.substr(4, size);
    subscribers.push_back(&from);
    ++subscriptions;
    send(from, {0x90, 3, byte_at(body, 0), byte_at(body, 1), byte_at(body, 4 + size)});
}

void on_packet(Connection& from, std::string_view packet, std::string_view body) {
    switch (byte_at(packet, 0) >> 4U) {
        case 1:
            return send(from, {0x20, 2, 0, 0});
        case 3:
            return on_publish(from, packet, body);
        case 5:
            return send(from, {0x62, 2, byte_at(body, 0), byte_at(body, 1)});
        case 6:
            return send(from, {0x70, 2, byte_at(body, 0), byte_at(body, 1)});
        case 8:
            return on_subscribe(from, body);
        case 12:
            return send(from, {0xD0, 0});
        default:
            return;
    }
}

/// Size of the first packet and where its body begins; 0 if it is not all there.
std::size_t packet_size(std::string_view bytes, std::size_t& body) {
    std::size_t length = 0;
    for (std::size_t at = 1; at < bytes.size() && at < 5; ++at) {
        length |= static_cast<std::size_t>(byte_at(bytes, at) & 0x7FU) << (7 * (at - 1));
        if (byte_at(bytes, at) < 0x80) {
            body = at + 1;
            return body + length <= bytes.size() ? body + length : 0;
        }
    }
    return 0;
}

void close(Connection& connection) {
    ++subscriptions;
    std::erase(subscribers, &connection);
    ::close(connection.socket);
    connection = Connection{};  // never freed: the event loop may still know it
}

void read(Connection& from) {
    static std::array<char, 256UL * 1024> buffer;
    const auto count = ::recv(from.socket, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN)
            close(from);
        return;
    }
    std::string_view bytes{buffer.data(), static_cast<std::size_t>(count)};
    std::string joined;
    if (!from.in.empty()) {
        joined = std::move(from.in.append(bytes));
        bytes = joined;
    }
    std::size_t body = 0;
    while (const auto size = packet_size(bytes, body)) {
        on_packet(from, bytes.substr(0, size), bytes.substr(body, size - body));
        bytes.remove_prefix(size);
    }
    from.in.assign(bytes);
}

void watch(Connection& connection, int operation, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_fd, operation, connection.socket, &event);
}

void accept_all(int listener) {
    for (;;) {
        const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0)
            return;
        const int on = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto* connection = new Connection;
        connection->socket = socket;
        watch(*connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

void flush() {
    for (auto* to : dirty) {
        to->is_dirty = false;
        if (to->socket < 0)
            continue;
        const auto count = ::send(to->socket, to->out.data(), to->out.size(), MSG_NOSIGNAL);
        if (count > 0)
            to->out.erase(0, static_cast<std::size_t>(count));
        if (to->awaits_room != to->out.empty())
            continue;
        to->awaits_room = !to->out.empty();
        watch(*to, EPOLL_CTL_MOD, to->awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    dirty.clear();
}

int listen_on(std::uint16_t port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 4096) != 0) {
        std::perror("floor_relay");
        std::exit(1);
    }
    return listener;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: floor_relay PORT\n", stderr);
        return 2;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    std::array<epoll_event, 256> events;
    for (;;) {
        const int count =
            ::epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            auto* connection =
                static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (connection == nullptr) {
                accept_all(listener);
                continue;
            }
            if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0)
                writable(*connection);
            if (connection->socket >= 0)
                read(*connection);
        }
        flush();
    }
}
