// What one delivery costs in the broker: PUBLISH in, bytes in the outboxes of the subscribers, and
// the acknowledgements of both sides. No sockets; outboxes are emptied as a writer would.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "broker/broker.hpp"

namespace {

using namespace keepmq;
using namespace keepmq::broker;
using mqtt::ProtocolVersion;

/// Carries out effects as runtime would without rules.
class Bench {
  public:
    Bench() : broker_{Limits{}, MessageIdSource{1}, 1} {}

    ConnectionId connect(const std::string& client, ProtocolVersion version) {
        const auto id = broker_.open("192.0.2.1", 1, now_);
        mqtt::Connect packet;
        packet.version = version;
        packet.client_id = client;
        broker_.on_packet(id, packet, now_);
        turn();
        write(id);
        return id;
    }

    void subscribe(ConnectionId id, std::string_view filter, Qos qos) {
        mqtt::Subscribe packet;
        packet.packet_id = 1;
        packet.entries.push_back({.filter = filter, .qos = qos});
        broker_.on_packet(id, packet, now_);
        turn();
        write(id);
    }

    void hand_in(ConnectionId id, const mqtt::Packet& packet) {
        broker_.on_packet(id, packet, now_);
        turn();
    }

    void write(ConnectionId id) {
        auto& outbox = broker_.outbox(id);
        outbox.consume(outbox.size());
        broker_.on_written(id, now_);
    }

    std::string take(ConnectionId id) {
        std::string bytes{broker_.outbox(id).unsent()};
        write(id);
        return bytes;
    }

    void write_dirty() {
        broker_.swap_dirty(dirty_);
        for (const auto id : dirty_) write(id);
    }

    [[nodiscard]] const Stats& stats() const { return broker_.stats(); }

  private:
    void turn() {
        broker_.swap_effects(effects_);
        for (auto& effect : effects_) {
            if (auto* published = std::get_if<Published>(&effect)) {
                broker_.route(published->message, now_);
                if (published->ticket != Ticket{})
                    broker_.settle(published->ticket, mqtt::ReasonCode::success, now_);
            } else if (auto* subscribed = std::get_if<Subscribed>(&effect)) {
                broker_.on_subscribe_plan(subscribed->fence, {}, now_);
            }
        }
        effects_.clear();
    }

    Broker broker_;
    Now now_{SteadyTime{std::chrono::hours{1}}, WallTime{std::chrono::hours{480'000}}};
    std::vector<Effect> effects_;
    std::vector<ConnectionId> dirty_;
};

/// Arguments: QoS, subscribers, version of the subscribers. Every subscriber acknowledges each
/// message.
void publish(benchmark::State& state) {
    const auto qos = static_cast<Qos>(state.range(0));
    const auto subscribers = state.range(1);
    const auto version = static_cast<ProtocolVersion>(state.range(2));
    Bench bench;
    const auto publisher = bench.connect("publisher", ProtocolVersion::v5);
    std::vector<ConnectionId> readers;
    for (std::int64_t i = 0; i < subscribers; ++i) {
        readers.push_back(bench.connect("subscriber" + std::to_string(i), version));
        bench.subscribe(readers.back(), "fleet/tenant7/device1234/telemetry/speed", qos);
    }
    const std::string payload(128, 'x');
    mqtt::Packet packet{mqtt::Publish{}};
    auto& publish = std::get<mqtt::Publish>(packet);
    publish.topic = "fleet/tenant7/device1234/telemetry/speed";
    publish.payload = payload;
    publish.qos = qos;
    mqtt::Packet ack{mqtt::Puback{}};
    mqtt::PacketId id = 0;
    for (auto _ : state) {
        if (qos != Qos::at_most_once) {
            id = id == 65'535 ? mqtt::PacketId{1} : static_cast<mqtt::PacketId>(id + 1);
            publish.packet_id = id;
        }
        bench.hand_in(publisher, packet);
        bench.write_dirty();
        if (qos != Qos::at_most_once) {
            std::get<mqtt::Puback>(ack).packet_id = id;  // sent in sequence like ours
            for (const auto reader : readers) bench.hand_in(reader, ack);
        }
    }
    const auto deliveries = static_cast<double>(state.iterations() * subscribers);
    if (static_cast<double>(bench.stats().messages_sent) != deliveries ||
        bench.stats().inflight != 0)
        state.SkipWithError("not every message was delivered and acknowledged");
    state.counters["per_delivery"] =
        benchmark::Counter(deliveries, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(publish)
    ->ArgNames({"qos", "subscribers", "version"})
    ->Args({0, 1, 4})
    ->Args({0, 1, 5})
    ->Args({1, 1, 4})
    ->Args({1, 1, 5})
    ->Args({0, 500, 4})
    ->Args({0, 500, 5})
    ->Args({1, 500, 4})
    ->Args({1, 500, 5});

/// One subscriber that acknowledges nothing until its window is full: the queue at work.
void publish_to_window(benchmark::State& state) {
    Bench bench;
    const auto publisher = bench.connect("publisher", ProtocolVersion::v5);
    const auto reader = bench.connect("subscriber", ProtocolVersion::v3_1_1);
    bench.subscribe(reader, "a/b", Qos::at_least_once);
    mqtt::Packet packet{mqtt::Publish{}};
    auto& publish = std::get<mqtt::Publish>(packet);
    publish.topic = "a/b";
    publish.payload = "payload";
    publish.qos = Qos::at_least_once;
    publish.packet_id = 1;
    const auto frame = mqtt::encoded_size(publish, ProtocolVersion::v3_1_1);
    constexpr std::size_t id_at = 2 + 2 + 3;  // fixed header, topic
    mqtt::Packet ack{mqtt::Puback{}};
    constexpr int batch = 2'000;
    for (auto _ : state) {
        for (int i = 0; i < batch; ++i) bench.hand_in(publisher, packet);
        bench.write(publisher);
        while (bench.stats().inflight > 0) {
            const auto bytes = bench.take(reader);
            for (std::size_t at = id_at; at < bytes.size(); at += frame) {
                std::get<mqtt::Puback>(ack).packet_id =
                    static_cast<mqtt::PacketId>(static_cast<unsigned char>(bytes[at]) << 8U |
                                                static_cast<unsigned char>(bytes[at + 1]));
                bench.hand_in(reader, ack);
            }
        }
    }
    if (bench.stats().messages_sent != bench.stats().messages_received)
        state.SkipWithError("not every message was delivered and acknowledged");
    state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(publish_to_window);

}  // namespace
