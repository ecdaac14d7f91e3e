#pragma once
// PUBACK and PUBREC leave a connection in the order in which their PUBLISH came
// [MQTT-4.6.0-2, MQTT-4.6.0-3], whatever the order in which the stores answer.

#include <cstdint>
#include <optional>

#include "broker/ring.hpp"
#include "model/ids.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

class AckSlots {
  public:
    struct Ack {
        mqtt::PacketId packet_id = 0;
        Qos qos = Qos::at_least_once;
        mqtt::ReasonCode reason = mqtt::ReasonCode::success;
    };

    /// Reserves the next place; the number identifies it on this connection.
    std::uint64_t open(mqtt::PacketId packet_id, Qos qos) {
        slots_.push_back({{packet_id, qos, mqtt::ReasonCode::success}, false});
        return first_ + slots_.size() - 1;
    }

    void settle(std::uint64_t number, mqtt::ReasonCode reason) {
        if (number < first_ || number - first_ >= slots_.size())
            return;
        Slot& slot = slots_[static_cast<std::size_t>(number - first_)];
        slot.ack.reason = reason;
        slot.ready = true;
    }

    [[nodiscard]] std::optional<Ack> pop_ready() {
        if (slots_.empty() || !slots_.front().ready)
            return std::nullopt;
        ++first_;
        return slots_.pop_front().ack;
    }

    [[nodiscard]] std::size_t size() const { return slots_.size(); }
    void clear() {
        first_ += slots_.size();
        slots_.clear();
    }

  private:
    struct Slot {
        Ack ack;
        bool ready = false;
    };
    Ring<Slot> slots_;
    std::uint64_t first_ = 0;
};

}  // namespace keepmq::broker
