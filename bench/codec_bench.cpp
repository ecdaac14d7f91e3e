// Decoding and encoding of a PUBLISH as devices send it: a topic of three levels and 64 bytes of
// payload. Into a packet and a buffer that are used again, as a connection does.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "mqtt/codec.hpp"

namespace {

using namespace keepmq;
using namespace keepmq::mqtt;

constexpr std::string_view topic = "fleet/device0042/telemetry";
constexpr std::string_view payload =
    "{\"t\":1700000000000,\"speed\":81.25,\"rpm\":214,\"fuel\":0.4375,\"ok\":1}";
static_assert(payload.size() == 64);

Publish publish(Qos qos) {
    return {.qos = qos,
            .topic = topic,
            .packet_id = static_cast<PacketId>(qos == Qos::at_most_once ? 0 : 4711),
            .payload = payload};
}

std::string wire_of(const Publish& packet, ProtocolVersion version) {
    std::string wire;
    encode(packet, version, wire);
    return wire;
}

void decode_wire(benchmark::State& state, const std::string& wire, ProtocolVersion version) {
    const DecodeOptions options{.version = version};
    Packet packet;
    for (auto _ : state) {
        std::string_view bytes{wire};
        benchmark::DoNotOptimize(bytes);
        const auto decoded = decode(bytes, options, packet);
        benchmark::DoNotOptimize(decoded.consumed);
        benchmark::DoNotOptimize(packet);
        if (decoded.status != DecodeStatus::complete)
            state.SkipWithError("refused");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}

void decode_publish(benchmark::State& state, Qos qos, ProtocolVersion version) {
    decode_wire(state, wire_of(publish(qos), version), version);
}
BENCHMARK_CAPTURE(decode_publish, v4_qos0, Qos::at_most_once, ProtocolVersion::v3_1_1);
BENCHMARK_CAPTURE(decode_publish, v4_qos1, Qos::at_least_once, ProtocolVersion::v3_1_1);
BENCHMARK_CAPTURE(decode_publish, v5_qos0, Qos::at_most_once, ProtocolVersion::v5);
BENCHMARK_CAPTURE(decode_publish, v5_qos1, Qos::at_least_once, ProtocolVersion::v5);

void encode_packet(benchmark::State& state, Publish packet, ProtocolVersion version) {
    std::string out;
    for (auto _ : state) {
        benchmark::DoNotOptimize(packet);
        out.clear();
        encode(packet, version, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}

void encode_publish(benchmark::State& state, Qos qos, ProtocolVersion version) {
    encode_packet(state, publish(qos), version);
}
BENCHMARK_CAPTURE(encode_publish, v4_qos0, Qos::at_most_once, ProtocolVersion::v3_1_1);
BENCHMARK_CAPTURE(encode_publish, v4_qos1, Qos::at_least_once, ProtocolVersion::v3_1_1);
BENCHMARK_CAPTURE(encode_publish, v5_qos0, Qos::at_most_once, ProtocolVersion::v5);
BENCHMARK_CAPTURE(encode_publish, v5_qos1, Qos::at_least_once, ProtocolVersion::v5);

/// What a busy 5.0 client adds: an alias, an expiry and two user properties.
Publish publish_with_properties() {
    auto packet = publish(Qos::at_least_once);
    packet.topic_alias = 3;
    packet.properties.message_expiry_interval = 3600;
    packet.properties.content_type = "application/json";
    packet.properties.user_properties = {{"trace", "8f14e45fceea167a"}, {"site", "north"}};
    return packet;
}

void decode_properties(benchmark::State& state) {
    decode_wire(
        state, wire_of(publish_with_properties(), ProtocolVersion::v5), ProtocolVersion::v5);
}
BENCHMARK(decode_properties);

void encode_properties(benchmark::State& state) {
    encode_packet(state, publish_with_properties(), ProtocolVersion::v5);
}
BENCHMARK(encode_properties);

/// The acknowledgement that follows.
void decode_puback(benchmark::State& state) {
    std::string wire;
    encode(Puback{.packet_id = 4711}, ProtocolVersion::v5, wire);
    decode_wire(state, wire, ProtocolVersion::v5);
}
BENCHMARK(decode_puback);

void encode_puback(benchmark::State& state) {
    Puback packet{.packet_id = 4711};
    std::string out;
    for (auto _ : state) {
        benchmark::DoNotOptimize(packet);
        out.clear();
        encode(packet, ProtocolVersion::v5, out);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(encode_puback);

}  // namespace
