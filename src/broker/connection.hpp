#pragma once
// One Network Connection, from accept until its last bytes are written. Shard-local.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/time.hpp"
#include "broker/acks.hpp"
#include "broker/outbox.hpp"
#include "broker/timers.hpp"
#include "model/ids.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

class Session;

/// Topic Aliases have a meaning only within one Network Connection [MQTT-3.3.2-7].
struct Aliases {
    std::unordered_map<std::uint16_t, std::string> in;
    std::unordered_map<std::string, std::uint16_t, NamedHash, NamedEqual> out;
};

struct Connection {
    enum class State : std::uint8_t { opened, connected, closed };

    ConnectionId id{};
    State state = State::opened;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v3_1_1;
    bool dirty = false;          ///< in the list of outboxes to write
    bool awaits_commit = false;  ///< in the list of those that wait for a change
    bool paused = false;         ///< runtime does not read it, so its silence means nothing
    std::uint16_t peer_port = 0;
    std::uint16_t receive_maximum = 65'535;  ///< what the client takes at once
    std::uint16_t alias_maximum = 0;         ///< that the client accepts
    std::uint32_t maximum_packet_size = 0;   ///< that the client accepts, 0 = any
    std::uint32_t connect_expiry = 0;        ///< Session Expiry Interval as CONNECT had it
    std::uint32_t unacknowledged = 0;        ///< PUBLISH with QoS > 0 that take the client's quota
    Session* session = nullptr;
    SteadyTime heard;                 ///< when the last packet came
    SteadyTime::duration patience{};  ///< longest silence, 0 = any
    Alarm alarm;
    Outbox outbox;
    AckSlots acks;
    std::unique_ptr<const std::string> peerhost;  ///< until CONNECT: then the session has it
    std::unique_ptr<Aliases> aliases;             ///< null: none was used

    [[nodiscard]] Aliases& used_aliases() {
        if (!aliases)
            aliases = std::make_unique<Aliases>();
        return *aliases;
    }
    [[nodiscard]] bool is_v5() const { return version == mqtt::ProtocolVersion::v5; }
};

}  // namespace keepmq::broker
