#pragma once
// One MQTT connection of the load generator.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

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
    void close();

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] bool is_open() const { return socket_ >= 0; }
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
    /// Waits for one packet, at most 10 s. Null on failure.
    [[nodiscard]] const mqtt::Packet* await_packet();

  private:
    [[nodiscard]] bool fail(std::string why);

    int socket_ = -1;
    mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v3_1_1;
    std::string out_;
    std::size_t sent_ = 0;
    std::string in_;
    mqtt::Packet packet_;
    std::string error_;
};

}  // namespace keepmq::load
