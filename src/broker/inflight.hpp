#pragma once
// QoS 1 and 2 messages that were sent to a client and are not through their handshake.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/message.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

/// One message on its way to one session, waiting or in flight.
struct Delivery {
    MessagePtr message;                      ///< null once PUBREC came
    std::vector<std::uint32_t> identifiers;  ///< of the matching subscriptions
    std::uint64_t group = 0;   ///< key of the shared group that chose the session, or 0
    std::uint64_t number = 0;  ///< in the journal, or 0
    Qos qos = Qos::at_most_once;
    bool retain = false;
    bool tracked = false;  ///< has a place in a read position
    bool leased = false;   ///< holds a one-to-one lease
    bool held = false;     ///< waits for the replay that comes with the next connection
};

struct Sent {
    Delivery delivery;
    std::uint64_t order = 0;
    mqtt::PacketId packet_id = 0;  ///< 0: the place is free
    bool released = false;         ///< PUBREC came, PUBREL was sent
    bool counted = false;          ///< PUBLISH was sent on the present connection and takes quota
};

/// The window, found by Packet Identifier. Identifiers are handed out in sequence, so a table that
/// is indexed by their low bits rarely has two for one place; then the identifier is passed over.
class Inflight {
  public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == limit; }

    /// Precondition: not full.
    Sent& insert(Delivery&& delivery) {
        if (size_ == slots_.size())
            grow();
        do {
            if (++last_ == 0)
                last_ = 1;
        } while (at(last_).packet_id != 0);
        Sent& slot = at(last_);
        slot.delivery = std::move(delivery);
        slot.order = ++order_;
        slot.packet_id = last_;
        slot.released = false;
        slot.counted = true;
        ++size_;
        return slot;
    }

    /// As it was before a restart; the last one is the newest. Precondition: `id` is free.
    void restore(Delivery delivery, mqtt::PacketId id, bool released) {
        while (slots_.empty() || at(id).packet_id != 0) grow();
        Sent& slot = at(id);
        slot.delivery = std::move(delivery);
        slot.order = ++order_;
        slot.packet_id = last_ = id;
        slot.released = released;
        ++size_;
    }

    [[nodiscard]] Sent* find(mqtt::PacketId id) {
        if (size_ == 0 || id == 0)
            return nullptr;
        Sent& slot = at(id);
        return slot.packet_id == id ? &slot : nullptr;
    }

    void erase(Sent& slot) {
        slot = Sent{};
        if (--size_ == 0 && slots_.size() > kept_when_empty)
            std::vector<Sent>{}.swap(slots_);
    }

    /// In the order of sending [MQTT-4.6.0-1].
    [[nodiscard]] std::vector<Sent*> in_order() {
        std::vector<Sent*> all;
        all.reserve(size_);
        for (auto& slot : slots_) {
            if (slot.packet_id != 0)
                all.push_back(&slot);
        }
        std::ranges::sort(all, {}, [](const Sent* sent) { return sent->order; });
        return all;
    }

  private:
    static constexpr std::size_t limit = 65'535;
    static constexpr std::size_t kept_when_empty = 64;

    Sent& at(mqtt::PacketId id) { return slots_[id & (slots_.size() - 1)]; }

    void grow() {
        std::vector<Sent> old(slots_.empty() ? 4 : slots_.size() * 2);
        old.swap(slots_);
        for (auto& slot : old) {
            if (slot.packet_id != 0)
                at(slot.packet_id) = std::move(slot);
        }
    }

    std::vector<Sent> slots_;  ///< size is a power of two, or 0
    std::size_t size_ = 0;
    std::uint64_t order_ = 0;
    mqtt::PacketId last_ = 0;
};

}  // namespace keepmq::broker
