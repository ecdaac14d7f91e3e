#pragma once
// A loopback connection under test: the server's end belongs to the loop, the peer's end is written
// and read by the test.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.hpp"
#include "net/listener.hpp"

namespace keepmq::net::test {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Short text for a packet: type, and what tells it from others.
std::string to_text(const mqtt::Packet& packet);

[[nodiscard]] std::string bytes_of(const mqtt::Packet& packet, mqtt::ProtocolVersion version);
[[nodiscard]] mqtt::Packet connect_packet(mqtt::ProtocolVersion version);
[[nodiscard]] std::string publish_bytes(std::string_view topic,
                                        std::string_view payload,
                                        mqtt::PacketId id = 1);

/// Keeps all events; `on` lets a test act inside a packet's call.
class Recorder final : public ConnectionEvents {
  public:
    mqtt::DecodeOptions decode_options(ConnectionId) override {
        ++asked;
        return options;
    }
    void on_packet(ConnectionId, const mqtt::Packet& packet) override {
        packets.push_back(to_text(packet));
        if (const auto* connect = std::get_if<mqtt::Connect>(&packet))
            options.version = connect->version;
        if (on)
            on();
    }
    void on_refused(ConnectionId,
                    const mqtt::Decoded& why,
                    std::optional<mqtt::ProtocolVersion> version) override {
        refusals.push_back(why.reason);
        refused_version = version;
        if (on_refusal)
            on_refusal();
    }
    void on_closed(ConnectionId) override { ++closed; }
    void on_writable(ConnectionId) override {
        ++writable;
        if (on_room)
            on_room();
    }
    void on_gone(ConnectionId) override { ++gone; }

    mqtt::DecodeOptions options;
    std::vector<std::string> packets;
    std::vector<mqtt::ReasonCode> refusals;
    std::optional<mqtt::ProtocolVersion> refused_version;
    int asked = 0;
    int closed = 0;
    int writable = 0;
    int gone = 0;
    std::function<void()> on;
    std::function<void()> on_refusal;
    std::function<void()> on_room;
};

class LoopTest : public ::testing::Test {
  protected:
    /// Runs the loop until the condition holds; false after a long time.
    bool until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            loop.restart();
            loop.run_one_for(std::chrono::seconds{1});
        }
        return condition();
    }
    /// Everything that is ready now. What the peer wrote over loopback is ready when its write
    /// returned.
    void settle() {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    }

    asio::io_context loop;
    asio::io_context peers;
};

class ConnectionTest : public LoopTest {
  protected:
    ConnectionTest() { connect(); }
    ~ConnectionTest() override {
        if (connection)
            connection->close_now();
        settle();
    }

    /// A new pair; the one before is closed.
    void connect() {
        if (connection)
            connection->close_now();
        tcp::acceptor acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        peer.emplace(loop);
        ended = false;
        peer->connect(acceptor.local_endpoint());
        peer->set_option(tcp::no_delay{true});
        events = Recorder{};
        connection = make_tcp_connection(acceptor.accept(loop), ConnectionId{1}, events, context);
    }

    void send(std::string_view bytes) {
        asio::write(*peer, asio::buffer(bytes.data(), bytes.size()));
    }

    /// Until the peer got so many bytes or the end; the connection works meanwhile.
    std::string receive(std::size_t count) {
        std::string got;
        while (!ended && got.size() < count) {
            bool readable = false;
            peer->async_wait(tcp::socket::wait_read, [&](const ErrorCode&) { readable = true; });
            if (!until([&] { return readable; }))
                break;
            std::string part(262'144, '\0');
            ErrorCode error;
            const auto size = peer->read_some(asio::buffer(part), error);
            got.append(part, 0, size);
            ended = error == asio::error::eof;
            if (error)
                break;
        }
        return got;
    }

    /// The next close of the peer sends a reset.
    void reset_peer() {
        peer->set_option(asio::socket_base::linger{true, 0});
        peer->close();
    }

    ReadContext context{loop};
    Recorder events;
    std::optional<tcp::socket> peer;
    boost::intrusive_ptr<Connection> connection;
    bool ended = false;
};

}  // namespace keepmq::net::test
