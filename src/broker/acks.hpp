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
        slots_.push_back({{packet_id, qos, mqtt::ReasonCode::success}, false, 0});
        return first_ + slots_.size() - 1;
    }

    /// `after`: the change that must be durable before, or 0; see Journal.
    void settle(std::uint64_t number, mqtt::ReasonCode reason, std::uint64_t after = 0) {
        if (number < first_ || number - first_ >= slots_.size())
            return;
        Slot& slot = slots_[static_cast<std::size_t>(number - first_)];
        slot.ack.reason = reason;
        slot.after = after;
        slot.ready = true;
        latest_ = after > latest_ ? after : latest_;
    }

    [[nodiscard]] std::optional<Ack> pop_ready(std::uint64_t committed = 0) {
        if (slots_.empty() || !slots_.front().ready || slots_.front().after > committed)
            return std::nullopt;
        ++first_;
        return slots_.pop_front().ack;
    }

    /// Whether one may wait for a change.
    [[nodiscard]] bool awaits(std::uint64_t committed) const {
        return latest_ > committed && !slots_.empty();
    }
    /// The changes are not going to be durable soon: what waits for one is refused. `visit` sees
    /// each.
    template <class Visit>
    void refuse_waiting(std::uint64_t committed, mqtt::ReasonCode reason, Visit&& visit) {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            Slot& slot = slots_[i];
            if (!slot.ready || slot.after <= committed)
                continue;
            slot.after = 0;
            slot.ack.reason = reason;
            visit(slot.ack);
        }
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
        std::uint64_t after = 0;
    };
    Ring<Slot> slots_;
    std::uint64_t first_ = 0;
    std::uint64_t latest_ = 0;  ///< change that some slot waited for
};

}  // namespace keepmq::broker
