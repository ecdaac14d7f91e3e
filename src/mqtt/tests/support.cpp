#include "mqtt/tests/support.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace keepmq::mqtt::testing {
namespace {

/// With KEEPMQ_SEEDS=<folder> in the environment every packet of the tests is saved there as a seed
/// of codec_decode_fuzz: one byte that says how to decode, then the packet.
void save_seed(ProtocolVersion version, Sender sender, std::string_view wire) {
    const char* folder = std::getenv("KEEPMQ_SEEDS");
    if (folder == nullptr || wire.size() > 4096)
        return;
    const auto mode = static_cast<char>((static_cast<unsigned>(version) - 3U) |
                                        (sender == Sender::server ? 4U : 0U));
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    static int number = 0;
    std::string name = test->test_suite_name();
    name += '_';
    name += test->name();
    name += '_' + std::to_string(++number);
    std::ofstream out{std::filesystem::path{folder} / name, std::ios::binary};
    out << mode << wire;
}

Decoded decode_exactly(std::string_view wire, const DecodeOptions& options, Packet& packet) {
    // An exact copy on the heap, so that AddressSanitizer sees a read behind the end.
    const auto copy = std::make_unique<char[]>(wire.size());
    wire.copy(copy.get(), wire.size());
    return decode({copy.get(), wire.size()}, options, packet);
}

void expect_beginnings_incomplete(std::string_view wire, const DecodeOptions& options) {
    for (std::size_t size = 0; size < wire.size(); ++size) {
        Packet ignored;
        const auto decoded = decode_exactly(wire.substr(0, size), options, ignored);
        EXPECT_EQ(decoded.status, DecodeStatus::incomplete) << "with " << size << " bytes";
        EXPECT_EQ(decoded.consumed, 0U);
        EXPECT_TRUE(decoded.wanted == 0 || decoded.wanted == wire.size());
    }
}

/// The packet with a smaller Remaining Length must be refused or mean something else: it never
/// reads bytes of the next packet.
void expect_bounded(std::string_view wire, const DecodeOptions& options) {
    const auto length = static_cast<unsigned char>(wire[1]);
    if (length >= 0x80)
        return;
    for (unsigned shorter = 0; shorter < length; ++shorter) {
        std::string cut{wire.substr(0, 2 + shorter)};
        cut[1] = static_cast<char>(shorter);
        Packet ignored;
        const auto decoded = decode_exactly(cut, options, ignored);
        EXPECT_NE(decoded.status, DecodeStatus::incomplete) << "remaining length " << shorter;
    }
}

}  // namespace

std::string bytes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
        } else if (text[i] == '\'') {
            const auto end = text.find('\'', i + 1);
            out += text.substr(i + 1, end - i - 1);
            i = end + 1;
        } else {
            out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
            i += 2;
        }
    }
    return out;
}

void expect_wire(const Packet& packet,
                 ProtocolVersion version,
                 Sender sender,
                 std::string_view wire) {
    std::string encoded;
    encode(packet, version, encoded);
    EXPECT_EQ(encoded, bytes(wire));
    if (const auto* publish = std::get_if<Publish>(&packet)) {
        EXPECT_EQ(encoded_size(*publish, version), encoded.size());
    }
    expect_decoded(packet, version, sender, wire);
}

void expect_decoded(const Packet& packet,
                    ProtocolVersion version,
                    Sender sender,
                    std::string_view wire) {
    const auto input = bytes(wire);
    save_seed(version, sender, input);
    const DecodeOptions options{.version = version, .sender = sender};
    Packet read;
    const auto followed = input + "\x10\x7f";  // the next packet must not be touched
    const auto decoded = decode(followed, options, read);
    ASSERT_EQ(decoded.status, DecodeStatus::complete) << wire << ": " << decoded.detail;
    EXPECT_EQ(decoded.consumed, input.size());
    EXPECT_TRUE(read == packet) << "decoded packet differs, alternative " << read.index();
    expect_beginnings_incomplete(input, options);
    expect_bounded(input, options);
}

void expect_refused(ReasonCode reason,
                    ProtocolVersion version,
                    Sender sender,
                    std::string_view wire) {
    const auto input = bytes(wire);
    save_seed(version, sender, input);
    Packet ignored;
    const auto decoded = decode_exactly(input, {.version = version, .sender = sender}, ignored);
    ASSERT_EQ(decoded.status, DecodeStatus::refused) << wire;
    EXPECT_EQ(decoded.reason, reason)
        << wire << ": " << to_string(decoded.reason) << ": " << decoded.detail;
    EXPECT_FALSE(decoded.detail.empty());
}

}  // namespace keepmq::mqtt::testing
