#pragma once
// Bytes to packets and back. No I/O, no state: what a connection must remember (version, limits,
// aliases) is passed in. Used by the broker side and by the client side (load generator, tests).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mqtt/packets.hpp"

namespace keepmq::mqtt {

/// Who sends the bytes: some packets and properties are legal in one direction only.
enum class Sender : std::uint8_t { client, server };

struct DecodeOptions {
    /// Of the connection; before CONNECT any value (a CONNECT carries its own).
    ProtocolVersion version = ProtocolVersion::v3_1_1;
    Sender sender = Sender::client;
    /// Largest accepted packet including its fixed header. A larger one is refused as soon as its
    /// fixed header is read, with packet_too_large [MQTT-3.1.2-24].
    std::uint32_t maximum_packet_size = 268'435'460;
};

enum class DecodeStatus : std::uint8_t { complete, incomplete, refused };

/// Outcome of one `decode`.
struct Decoded {
    DecodeStatus status = DecodeStatus::incomplete;
    std::size_t consumed = 0;  ///< complete: size of the packet. incomplete: 0
    std::size_t wanted = 0;    ///< incomplete: total size of the packet if already known, else 0
    /// refused: malformed_packet, protocol_error, packet_too_large, unsupported_protocol_version,
    /// topic_filter_invalid, topic_name_invalid, ... the code of the violated clause
    ReasonCode reason = ReasonCode::success;
    std::string_view detail = {};  ///< refused: a static sentence naming the clause, for the log
};

/// Reads one packet from the front of `bytes` into `packet`. Reuses the capacity that `packet`
/// already holds when the alternative is the same, so that a stream of PUBLISH allocates nothing.
/// Checks everything that can be checked without connection state: fixed header flags, remaining
/// length, UTF-8, topic rules, packet identifiers, duplicate or misplaced properties.
/// `packet` is written only when all bytes of the packet are there. After a refusal its content is
/// unspecified, with one exception: a refused CONNECT leaves a Connect whose `version` says in
/// which form to send the CONNACK, also for unsupported_protocol_version.
[[nodiscard]] Decoded decode(std::string_view bytes, const DecodeOptions& options, Packet& packet);

/// Appends the packet in the form of `version`; what the version cannot express is left out, which
/// for an AUTH before 5.0 is everything. A Connect is written in the form of its own `version`.
void encode(const Packet& packet, ProtocolVersion version, std::string& out);
void encode(const Publish& packet, ProtocolVersion version, std::string& out);
void encode(const Puback& packet, ProtocolVersion version, std::string& out);
void encode(const Pubrec& packet, ProtocolVersion version, std::string& out);
void encode(const Pubrel& packet, ProtocolVersion version, std::string& out);
void encode(const Pubcomp& packet, ProtocolVersion version, std::string& out);

/// Size of the encoded packet in bytes, to hold it against the receiver's Maximum Packet Size.
[[nodiscard]] std::size_t encoded_size(const Publish& packet, ProtocolVersion version);

}  // namespace keepmq::mqtt
