#pragma once
// An MQTT client for tests: blocking, one packet at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt/codec.hpp"

namespace keepmq::runtime::test {

class Client {
  public:
    /// Opens the socket; sends nothing yet.
    explicit Client(std::uint16_t port, mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v5);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// CONNECT and its CONNACK, as text. Without clean start the session lasts.
    std::string connect(std::string_view id, bool clean_start = true, std::uint16_t keep_alive = 0);

    void send(const mqtt::Packet& packet);
    void send_bytes(std::string_view bytes) const;
    void publish(std::string_view topic,
                 std::string_view payload,
                 int qos,
                 mqtt::PacketId id = 0,
                 bool retain = false);
    void subscribe(std::string_view filter, int qos, mqtt::PacketId id = 1);
    void disconnect() { send(mqtt::Disconnect{}); }
    /// Ends the socket without a word.
    void drop();

    /// The next packet as text: `CONNACK 00`, `PUBACK 7 83`, `PUBLISH a/b hello`, `DISCONNECT 97`;
    /// `CLOSED` when the broker ended the connection, `NOTHING` after a long time.
    std::string take();
    std::vector<std::string> take(std::size_t count);
    /// Sends PINGREQ and takes all up to its answer: what the broker had sent before.
    std::vector<std::string> take_all_so_far();

    /// QoS 1 and 2 deliveries are answered unless this is off.
    bool acknowledges = true;

  private:
    [[nodiscard]] bool read_more();
    std::string understood(const mqtt::Packet& packet);

    int socket_ = -1;
    mqtt::ProtocolVersion version_;
    std::string in_;
};

[[nodiscard]] std::string publish_bytes(std::string_view topic,
                                        std::string_view payload,
                                        int qos,
                                        mqtt::PacketId id,
                                        mqtt::ProtocolVersion version);

}  // namespace keepmq::runtime::test
