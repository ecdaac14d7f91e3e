#pragma once
// One Network Connection: bytes in, packets out to its owner; bytes of the owner to the socket.
//
// Lives on the shard that accepted it; nothing here is shared between threads. An idle connection
// holds no buffers: all connections of a shard read into one buffer, and only an incomplete packet
// is kept.

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/ids.hpp"
#include "mqtt/codec.hpp"
#include "net/poller.hpp"

namespace keepmq::net {

/// What happens on a connection. Implemented by the shard; called on its thread.
class ConnectionEvents {
  public:
    virtual ~ConnectionEvents() = default;
    /// Asked before the first packet and again after a CONNECT.
    [[nodiscard]] virtual mqtt::DecodeOptions decode_options(ConnectionId id) = 0;
    /// `packet` and its views are valid during the call only.
    virtual void on_packet(ConnectionId id, const mqtt::Packet& packet) = 0;
    /// The bytes are no legal packet. Nothing more is read from this connection.
    virtual void on_refused(ConnectionId id,
                            const mqtt::Decoded& why,
                            std::optional<mqtt::ProtocolVersion> version) = 0;
    /// The peer closed or the network failed. Comes once, never after `close`.
    virtual void on_closed(ConnectionId id) = 0;
    /// After `await_writable`: the socket takes bytes again.
    virtual void on_writable(ConnectionId id) = 0;
    /// `close_gracefully` is over: the object can be forgotten.
    virtual void on_gone(ConnectionId id) = 0;
};

/// Shared by all connections of a shard.
struct ReadContext {
    explicit ReadContext(boost::asio::io_context& loop) : poller{loop} {}

    static constexpr std::size_t buffer_size = 256UL * 1024;
    std::vector<char> buffer = std::vector<char>(buffer_size);
    mqtt::Packet packet;
    Poller poller;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
};

/// A byte stream with a peer: TCP now; TLS and WebSocket implement the same. Whoever holds it
/// counts in the object, without atomics: all are on the loop's thread.
class Connection : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter> {
  public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    virtual void start() = 0;
    /// Stops handing out packets, also those already read, until `resume_reading`.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;
    /// Hands the socket what it takes now and returns how much that was; an error ends the
    /// connection (on_closed follows).
    [[nodiscard]] virtual std::size_t write(std::string_view bytes) = 0;
    /// Calls on_writable once the socket takes more.
    virtual void await_writable() = 0;
    /// The last bytes have been put into the outbox: they get a few seconds. A peer that takes none
    /// of them is closed all the same; on_gone follows.
    virtual void close_soon() = 0;
    /// No more packets; closes our direction and waits shortly for the peer's end, so that the last
    /// bytes reach it. on_gone follows.
    virtual void close_gracefully() = 0;
    /// At once; no event follows.
    virtual void close_now() = 0;
};

/// `socket` is connected; `events` and `context` outlive the connection. `received`: what was read
/// from the socket before (first_packet.hpp).
[[nodiscard]] boost::intrusive_ptr<Connection> make_tcp_connection(
    boost::asio::ip::tcp::socket socket,
    ConnectionId id,
    ConnectionEvents& events,
    ReadContext& context,
    std::string received = {});

}  // namespace keepmq::net
