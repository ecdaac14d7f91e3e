#include "load/peer.hpp"

#include <algorithm>
#include <utility>

namespace keepmq::load {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_pause{50};
constexpr std::chrono::milliseconds longest_pause{1000};
constexpr auto ping_after = 10s;
/// Longer than a broker holds back a client whose database is slow.
constexpr auto silence_limit = 90s;
constexpr auto connack_limit = 10s;

}  // namespace

void Peer::lose(std::string why) {
    if (up_)
        ++lost_;
    up_ = false;
    trouble_ = std::move(why);
    client_.close();
    next_try_ = Clock::now() + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
}

void Peer::greet() {
    mqtt::Connect packet;
    packet.version = static_cast<mqtt::ProtocolVersion>(address_.version);
    packet.clean_start = false;
    packet.session_expiry_interval = address_.version == 5 ? 86'400 : 0xFFFFFFFF;
    packet.keep_alive = 60;
    packet.client_id = client_id_;
    client_.send(mqtt::Packet{packet});
}

bool Peer::tick(Clock::time_point now) {
    if (!client_.is_open()) {
        if (now < next_try_)
            return false;
        const auto version = static_cast<mqtt::ProtocolVersion>(address_.version);
        if (!client_.open(address_.host, address_.port, version)) {
            lose(client_.error());
            return false;
        }
        heard_ = pinged_ = now;
        greet();
        return true;
    }
    if (now - heard_ > (up_ ? Clock::duration{silence_limit} : Clock::duration{connack_limit})) {
        lose("the broker is silent");
    } else if (up_ && now - pinged_ > ping_after) {
        pinged_ = now;
        client_.send(mqtt::Packet{mqtt::Pingreq{}});
    }
    return false;
}

void Peer::on_readable() {
    if (!client_.is_open())
        return;
    heard_ = Clock::now();
    const bool alive = client_.read([&](const mqtt::Packet& packet) {
        if (up_)
            return on_packet(packet);
        const auto* connack = std::get_if<mqtt::Connack>(&packet);
        if (connack == nullptr || mqtt::is_error(connack->reason)) {
            return give_up("the broker refused the connection: " +
                           std::string{connack ? mqtt::to_string(connack->reason) : "no CONNACK"});
        }
        up_ = true;
        pause_ = first_pause;
        on_connected(*connack);
    });
    if (!alive)
        lose(client_.error());
    else if (!refused_.empty())
        lose(std::exchange(refused_, {}));
}

void Peer::flush() {
    if (client_.is_open() && client_.wants_write() && !client_.flush())
        lose(client_.error());
}

void Peer::leave() {
    if (!client_.is_open())
        return;
    mqtt::Disconnect packet;
    packet.session_expiry_interval = 0;
    client_.send(mqtt::Packet{packet});
    (void)client_.flush();  // nobody waits for an answer
    client_.close();
    up_ = false;
}

}  // namespace keepmq::load
