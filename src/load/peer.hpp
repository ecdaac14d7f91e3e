#pragma once
// A client that comes back: one MQTT session, whatever number of connections it takes.

#include <chrono>
#include <cstdint>
#include <string>

#include "load/client.hpp"

namespace keepmq::load {

/// Connects, connects again when the connection is lost (after 50 ms, then up to 1 s), gives up a
/// connection on which the broker is silent. What the session does is the derived class's. Single
/// thread; the owner polls the socket and calls `tick` a few times a second.
class Peer {
  public:
    using Clock = std::chrono::steady_clock;
    struct Address {
        std::string host;
        std::uint16_t port = 1883;
        int version = 5;
    };

    Peer(Address address, std::string client_id)
        : address_{std::move(address)}, client_id_{std::move(client_id)} {}
    virtual ~Peer() = default;
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// Opens the connection when it is time, pings, notices silence. True when there is a new
    /// socket to poll.
    [[nodiscard]] bool tick(Clock::time_point now);
    void on_readable();
    void flush();
    /// Ends session and connection.
    void leave();

    [[nodiscard]] Client& client() { return client_; }
    [[nodiscard]] bool is_up() const { return up_; }
    [[nodiscard]] std::uint64_t connections_lost() const { return lost_; }
    /// Why there is no connection; empty if none was missing.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

  protected:
    /// CONNACK was good: whatever waits in the session can be sent.
    virtual void on_connected(const mqtt::Connack& connack) = 0;
    virtual void on_packet(const mqtt::Packet& packet) = 0;

    /// The broker said no: the connection ends, the next one comes after a pause.
    void give_up(std::string why) { refused_ = std::move(why); }

  private:
    void lose(std::string why);
    void greet();

    Address address_;
    std::string client_id_;
    Client client_;
    bool up_ = false;  ///< after CONNACK
    Clock::time_point next_try_{};
    std::chrono::milliseconds pause_{50};
    Clock::time_point heard_{};
    Clock::time_point pinged_{};
    std::uint64_t lost_ = 0;
    std::string refused_;
    std::string trouble_;
};

}  // namespace keepmq::load
