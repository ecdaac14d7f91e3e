#pragma once
// One pair of functions for each packet type; `codec.cpp` picks one by the fixed header.
//
// A `read_` function gets the bytes behind the fixed header and a packet in its initial state, and
// leaves a failure in the reader. Trailing bytes are refused by the caller.

#include <cstdint>
#include <string>

#include "mqtt/codec.hpp"
#include "mqtt/packets.hpp"
#include "mqtt/reader.hpp"

namespace keepmq::mqtt::wire {

enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

/// First byte of a packet.
constexpr unsigned first_byte(PacketType type, unsigned flags = 0) {
    return (static_cast<unsigned>(type) << 4U) | flags;
}

/// CONNECT carries its own version: `packet.version` is set first, also when the rest is refused.
void read_connect(Reader& in, Connect& packet);
void read_connack(Reader& in, ProtocolVersion version, Connack& packet);
/// `flags`: low half of the first byte.
void read_publish(Reader& in, const DecodeOptions& options, unsigned flags, Publish& packet);
void read_puback(Reader& in, ProtocolVersion version, Puback& packet);
void read_pubrec(Reader& in, ProtocolVersion version, Pubrec& packet);
void read_pubrel(Reader& in, ProtocolVersion version, Pubrel& packet);
void read_pubcomp(Reader& in, ProtocolVersion version, Pubcomp& packet);
void read_subscribe(Reader& in, ProtocolVersion version, Subscribe& packet);
void read_suback(Reader& in, ProtocolVersion version, Suback& packet);
void read_unsubscribe(Reader& in, ProtocolVersion version, Unsubscribe& packet);
void read_unsuback(Reader& in, ProtocolVersion version, Unsuback& packet);
void read_disconnect(Reader& in, const DecodeOptions& options, Disconnect& packet);
void read_auth(Reader& in, Auth& packet);

/// The form is that of `packet.version`.
void write_packet(const Connect& packet, std::string& out);
void write_packet(const Connack& packet, ProtocolVersion version, std::string& out);
void write_packet(const Subscribe& packet, ProtocolVersion version, std::string& out);
void write_packet(const Suback& packet, ProtocolVersion version, std::string& out);
void write_packet(const Unsubscribe& packet, ProtocolVersion version, std::string& out);
void write_packet(const Unsuback& packet, ProtocolVersion version, std::string& out);
void write_packet(const Disconnect& packet, ProtocolVersion version, std::string& out);
void write_packet(const Auth& packet, ProtocolVersion version, std::string& out);

}  // namespace keepmq::mqtt::wire
