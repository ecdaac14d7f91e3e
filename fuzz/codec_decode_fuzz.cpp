// A stream of packets from either side in any version.
//
// First byte of the input: bits 0-1 version, bit 2 sender, bit 3 a small maximum packet size.
// What decodes must encode, decode again to the same packet, and not depend on what follows it or
// what was decoded into the same object before. No beginning of it is complete or refused.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mqtt/codec.hpp"

namespace {

using namespace keepmq::mqtt;

void require(bool holds) {
    if (!holds)
        std::abort();
}

DecodeOptions options_of(std::uint8_t mode) {
    DecodeOptions options;
    const unsigned version = mode & 3U;
    options.version = static_cast<ProtocolVersion>(version == 3 ? 5 : version + 3);
    options.sender = (mode & 4U) != 0 ? Sender::server : Sender::client;
    if ((mode & 8U) != 0)
        options.maximum_packet_size = 64;
    return options;
}

void check_round_trip(const Packet& packet, DecodeOptions options) {
    std::string wire;
    encode(packet, options.version, wire);
    options.maximum_packet_size = DecodeOptions{}.maximum_packet_size;
    Packet again;
    const auto decoded = decode(wire, options, again);
    require(decoded.status == DecodeStatus::complete);
    require(decoded.consumed == wire.size());
    require(again == packet);
    if (const auto* publish = std::get_if<Publish>(&packet))
        require(encoded_size(*publish, options.version) == wire.size());
}

/// Decodes a copy of exactly this size, so that AddressSanitizer sees a read behind its end.
Decoded decode_copy(std::string_view wire,
                    const DecodeOptions& options,
                    Packet& packet,
                    std::vector<char>& copy) {
    copy = std::vector<char>(wire.begin(), wire.end());
    return decode({copy.data(), copy.size()}, options, packet);
}

/// Byte by byte, as a slow connection would hand it over.
void check_beginnings(std::string_view wire, const DecodeOptions& options) {
    constexpr std::size_t copied = 16;  // beyond the fixed header nothing new is read
    Packet packet;
    for (std::size_t size = 0; size < wire.size(); ++size) {
        const auto beginning = wire.substr(0, size);
        std::vector<char> copy;
        const auto decoded = size < copied ? decode_copy(beginning, options, packet, copy)
                                           : decode(beginning, options, packet);
        require(decoded.status == DecodeStatus::incomplete);
        require(decoded.consumed == 0);
        require(decoded.wanted == 0 || decoded.wanted == wire.size());
        require(packet.index() == 0);  // not written before all bytes are there
    }
}

/// A refused CONNECT says in which form to answer.
void check_refused(std::string_view rest, const Decoded& decoded, const Packet& packet) {
    require(!decoded.detail.empty());
    const auto type = static_cast<unsigned char>(rest[0]) >> 4U;
    if (decoded.reason == ReasonCode::unsupported_protocol_version)
        require(type == 1 && std::holds_alternative<Connect>(packet));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const auto options = options_of(data[0]);
    std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
    Packet reused;
    while (true) {
        const auto decoded = decode(rest, options, reused);
        require(decoded.consumed <= rest.size());
        if (decoded.status != DecodeStatus::complete) {
            require(decoded.consumed == 0);
            require((decoded.status == DecodeStatus::refused) ==
                    (decoded.reason != ReasonCode::success));
            if (decoded.status == DecodeStatus::refused)
                check_refused(rest, decoded, reused);
            require(decoded.wanted == 0 || decoded.wanted > rest.size());
            return 0;
        }
        require(decoded.consumed >= 2);
        const auto wire = rest.substr(0, decoded.consumed);
        Packet fresh;
        std::vector<char> copy;
        require(decode_copy(wire, options, fresh, copy).consumed == wire.size());
        require(fresh == reused);
        check_round_trip(reused, options);
        check_beginnings(wire, options);
        rest.remove_prefix(wire.size());
    }
}
