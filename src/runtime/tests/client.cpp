#include "runtime/tests/client.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "base/overloaded.hpp"

namespace keepmq::runtime::test {
namespace {

constexpr int patience_ms = 20'000;

mqtt::Publish publish_packet(std::string_view topic,
                             std::string_view payload,
                             int qos,
                             mqtt::PacketId id) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = static_cast<Qos>(qos);
    packet.packet_id = id;
    return packet;
}

template <class Packet>
std::string with_id(std::string_view name, const Packet& packet) {
    return fmt::format(
        "{} {} {:02x}", name, packet.packet_id, static_cast<unsigned>(packet.reason));
}

}  // namespace

std::string publish_bytes(std::string_view topic,
                          std::string_view payload,
                          int qos,
                          mqtt::PacketId id,
                          mqtt::ProtocolVersion version) {
    std::string bytes;
    mqtt::encode(publish_packet(topic, payload, qos, id), version, bytes);
    return bytes;
}

Client::Client(std::uint16_t port, mqtt::ProtocolVersion version)
    : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, version_{version} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error{"cannot connect"};
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Client::~Client() {
    drop();
}

void Client::drop() {
    if (socket_ >= 0)
        ::close(socket_);
    socket_ = -1;
}

std::string Client::connect(std::string_view id, bool clean_start, std::uint16_t keep_alive) {
    mqtt::Connect packet;
    packet.version = version_;
    packet.client_id = id;
    packet.clean_start = clean_start;
    packet.session_expiry_interval = clean_start ? 0 : 0xFFFFFFFF;
    packet.keep_alive = keep_alive;
    send(packet);
    return take();
}

void Client::send(const mqtt::Packet& packet) {
    std::string bytes;
    mqtt::encode(packet, version_, bytes);
    send_bytes(bytes);
}

void Client::send_bytes(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0)
            return;  // the end is seen by take()
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void Client::publish(
    std::string_view topic, std::string_view payload, int qos, mqtt::PacketId id, bool retain) {
    auto packet = publish_packet(topic, payload, qos, id);
    packet.retain = retain;
    send(packet);
}

void Client::subscribe(std::string_view filter, int qos, mqtt::PacketId id) {
    mqtt::Subscribe packet;
    packet.packet_id = id;
    auto& entry = packet.entries.emplace_back();
    entry.filter = filter;
    entry.qos = static_cast<Qos>(qos);
    send(packet);
}

bool Client::read_more() {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, patience_ms) <= 0)
        return false;
    std::array<char, 65'536> buffer;
    const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
        drop();
        return true;
    }
    in_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
}

std::string Client::take() {
    const mqtt::DecodeOptions options{version_, mqtt::Sender::server};
    mqtt::Packet packet;
    for (;;) {
        const auto decoded = mqtt::decode(in_, options, packet);
        if (decoded.status == mqtt::DecodeStatus::refused)
            return "ILLEGAL " + std::string{decoded.detail};
        if (decoded.status == mqtt::DecodeStatus::complete) {
            auto text = understood(packet);
            in_.erase(0, decoded.consumed);
            return text;
        }
        if (socket_ < 0)
            return "CLOSED";
        if (!read_more())
            return "NOTHING";
    }
}

std::vector<std::string> Client::take(std::size_t count) {
    std::vector<std::string> texts;
    while (texts.size() < count) {
        texts.push_back(take());
        if (texts.back() == "CLOSED" || texts.back() == "NOTHING")
            break;
    }
    return texts;
}

std::vector<std::string> Client::take_all_so_far() {
    send(mqtt::Pingreq{});
    std::vector<std::string> texts;
    for (auto text = take(); text != "PINGRESP"; text = take()) {
        texts.push_back(text);
        if (text == "CLOSED" || text == "NOTHING")
            break;
    }
    return texts;
}

std::string Client::understood(const mqtt::Packet& packet) {
    return std::visit(
        Overloaded{
            [](const mqtt::Connack& p) {
                return fmt::format("CONNACK {:02x}", static_cast<unsigned>(p.reason));
            },
            [&](const mqtt::Publish& p) {
                auto text = fmt::format("PUBLISH {} {}", p.topic, p.payload);
                if (acknowledges && p.qos == Qos::at_least_once)
                    send(mqtt::Puback{p.packet_id, {}, {}, {}});
                if (acknowledges && p.qos == Qos::exactly_once)
                    send(mqtt::Pubrec{p.packet_id, {}, {}, {}});
                return text;
            },
            [](const mqtt::Puback& p) { return with_id("PUBACK", p); },
            [](const mqtt::Pubrec& p) { return with_id("PUBREC", p); },
            [](const mqtt::Pubrel& p) { return with_id("PUBREL", p); },
            [](const mqtt::Pubcomp& p) { return with_id("PUBCOMP", p); },
            [](const mqtt::Suback& p) {
                auto text = fmt::format("SUBACK {}", p.packet_id);
                for (const auto reason : p.reasons)
                    text += fmt::format(" {:02x}", static_cast<unsigned>(reason));
                return text;
            },
            [](const mqtt::Unsuback& p) { return fmt::format("UNSUBACK {}", p.packet_id); },
            [](const mqtt::Pingresp&) { return std::string{"PINGRESP"}; },
            [](const mqtt::Disconnect& p) {
                return fmt::format("DISCONNECT {:02x}", static_cast<unsigned>(p.reason));
            },
            [](const auto&) { return std::string{"OTHER"}; },
        },
        packet);
}

}  // namespace keepmq::runtime::test
