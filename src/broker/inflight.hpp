#pragma once
// QoS 1 and 2 messages that were sent to a client and are not through their handshake.

#include <algorithm>
#include <cstdint>
#include <memory>
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
    bool forced = false;   ///< was queued whatever the limit
};

struct Sent {
    Delivery delivery;
    std::uint64_t order = 0;
    mqtt::PacketId packet_id = 0;  ///< 0: the place is free
    bool released = false;         ///< PUBREC came, PUBREL was sent
    bool counted = false;          ///< PUBLISH was sent on the present connection and takes quota
    bool acknowledged = false;     ///< on the present connection, and that waits: see Repeatable
    bool refused = false;          ///< by that acknowledgement
};

/// The window, found by Packet Identifier. Identifiers are handed out in sequence, so a table that
/// is indexed by their low bits rarely has two for one place; then the identifier is passed over.
class Inflight {
  public:
    [[nodiscard]] std::size_t size() const { return window_ ? window_->size : 0; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] bool full() const { return size() == limit; }

    /// Precondition: not full.
    Sent& insert(Delivery&& delivery) {
        Window& window = this->window();
        if (window.size == window.slots.size())
            window.grow();
        do {
            if (++window.last == 0)
                window.last = 1;
        } while (window.at(window.last).packet_id != 0);
        Sent& slot = window.put(std::move(delivery), window.last);
        slot.counted = true;
        return slot;
    }

    /// As it was before a restart; the last one is the newest. Precondition: `id` is free.
    void restore(Delivery&& delivery, mqtt::PacketId id, bool released) {
        Window& window = this->window();
        while (window.slots.empty() || window.at(id).packet_id != 0) window.grow();
        window.put(std::move(delivery), window.last = id).released = released;
    }

    [[nodiscard]] Sent* find(mqtt::PacketId id) {
        if (empty() || id == 0)
            return nullptr;
        Sent& slot = window_->at(id);
        return slot.packet_id == id ? &slot : nullptr;
    }

    void erase(Sent& slot) {
        slot = Sent{};
        if (--window_->size == 0 && window_->slots.size() > kept_when_empty)
            std::vector<Sent>{}.swap(window_->slots);
    }

    /// In the order of sending [MQTT-4.6.0-1].
    [[nodiscard]] std::vector<Sent*> in_order() {
        std::vector<Sent*> all;
        all.reserve(size());
        if (window_)
            for (auto& slot : window_->slots) {
                if (slot.packet_id != 0)
                    all.push_back(&slot);
            }
        std::ranges::sort(all, {}, [](const Sent* sent) { return sent->order; });
        return all;
    }

  private:
    static constexpr std::size_t limit = 65'535;
    static constexpr std::size_t kept_when_empty = 64;

    struct Window {
        std::vector<Sent> slots;  ///< size is a power of two, or 0
        std::size_t size = 0;
        std::uint64_t order = 0;
        mqtt::PacketId last = 0;

        Sent& at(mqtt::PacketId id) { return slots[id & (slots.size() - 1)]; }
        Sent& put(Delivery&& delivery, mqtt::PacketId id) {
            Sent& slot = at(id);
            slot.delivery = std::move(delivery);
            slot.order = ++order;
            slot.packet_id = id;
            ++size;
            return slot;
        }
        void grow() {
            std::vector<Sent> old(slots.empty() ? 4 : slots.size() * 2);
            old.swap(slots);
            for (auto& slot : old) {
                if (slot.packet_id != 0)
                    at(slot.packet_id) = std::move(slot);
            }
        }
    };

    Window& window() {
        if (!window_)
            window_ = std::make_unique<Window>();
        return *window_;
    }

    std::unique_ptr<Window> window_;  ///< null while nothing was ever sent
};

}  // namespace keepmq::broker
