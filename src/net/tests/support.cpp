#include "net/tests/support.hpp"

#include "base/overloaded.hpp"

namespace keepmq::net::test {

std::string to_text(const mqtt::Packet& packet) {
    return std::visit(
        Overloaded{
            [](const mqtt::Connect& p) { return "connect " + std::string{p.client_id}; },
            [](const mqtt::Publish& p) {
                const auto payload = p.payload.size() > 100
                                         ? std::to_string(p.payload.size()) + " bytes"
                                         : std::string{p.payload};
                return "publish " + std::string{p.topic} + ' ' + payload;
            },
            [](const mqtt::Subscribe&) { return std::string{"subscribe"}; },
            [](const mqtt::Pingreq&) { return std::string{"pingreq"}; },
            [](const mqtt::Disconnect&) { return std::string{"disconnect"}; },
            [](const auto&) { return std::string{"other"}; },
        },
        packet);
}

std::string bytes_of(const mqtt::Packet& packet, mqtt::ProtocolVersion version) {
    std::string bytes;
    mqtt::encode(packet, version, bytes);
    return bytes;
}

mqtt::Packet connect_packet(mqtt::ProtocolVersion version) {
    mqtt::Connect packet;
    packet.version = version;
    packet.client_id = "c";
    return packet;
}

std::string publish_bytes(std::string_view topic, std::string_view payload, mqtt::PacketId id) {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = Qos::at_least_once;
    packet.packet_id = id;
    return bytes_of(packet, mqtt::ProtocolVersion::v3_1_1);
}

}  // namespace keepmq::net::test
