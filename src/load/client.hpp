#pragma once
// One MQTT connection of the load generator.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "load/endpoint.hpp"
#include "load/frame.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::load {

/// Non-blocking; the owner polls. Single thread.
class Client {
  public:
    Client() = default;
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Connects (blocking, 5 s) and makes the socket non-blocking. False with `error` set. What was
    /// left of an earlier connection is forgotten.
    [[nodiscard]] bool open(const std::string& host,
                            std::uint16_t port,
                            mqtt::ProtocolVersion version);
    /// The same without waiting: what is sent leaves when the connection stands, and a failure
    /// shows then.
    [[nodiscard]] bool begin_open(const Endpoint& endpoint, mqtt::ProtocolVersion version);
    void close();

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] bool is_open() const { return socket_ >= 0; }
    [[nodiscard]] mqtt::ProtocolVersion version() const { return version_; }
    [[nodiscard]] const std::string& error() const { return error_; }

    template <class Packet>
    void send(const Packet& packet) {
        mqtt::encode(packet, version_, out_);
    }
    /// Where bytes to send are appended.
    [[nodiscard]] std::string& out() { return out_; }
    /// Writes what the socket takes. False when the connection is lost.
    [[nodiscard]] bool flush();
    [[nodiscard]] bool wants_write() const { return sent_ < out_.size(); }

    /// Reads what is there and calls `on_packet` for each packet. False when the connection is
    /// lost.
    [[nodiscard]] bool read(const std::function<void(const mqtt::Packet&)>& on_packet);
    /// The same for millions of packets: `on_frame(const Frame&)`. It may close this client.
    template <class OnFrame>
    [[nodiscard]] bool read_frames(OnFrame&& on_frame) {
        auto bytes = receive();
        if (!bytes)
            return false;
        Frame frame;
        for (;;) {
            const auto framing = read_frame(*bytes, version_, frame);
            if (framing == Framing::illegal)
                return fail("illegal packet from the broker");
            if (framing == Framing::incomplete)
                break;
            bytes->remove_prefix(frame.bytes.size());
            on_frame(frame);
            if (!is_open())
                return true;
        }
        keep(*bytes);
        return true;
    }

  private:
    [[nodiscard]] bool fail(std::string why);
    void forget();
    /// What was kept and what came, until the next call in this thread. Nothing: the connection is
    /// lost.
    [[nodiscard]] std::optional<std::string_view> receive();
    void keep(std::string_view rest);

    int socket_ = -1;
    mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v3_1_1;
    std::string out_;
    std::size_t sent_ = 0;
    std::string in_;  ///< the beginning of a packet
    std::string error_;
};

}  // namespace keepmq::load
