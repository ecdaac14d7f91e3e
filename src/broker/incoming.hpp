#pragma once
// The QoS 2 exchanges that a client began, by Packet Identifier. Shard-local.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>

#include "broker/changes.hpp"
#include "model/message_id.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

/// From PUBLISH to PUBREL.
struct Incoming {
    std::uint64_t ticket = 0;  ///< 0 once the message is taken: PUBREC was or is being sent
    MessageId id{};
    Stage stage = Stage::taken;

    /// Its message came before a restart, and nobody knows whether the rules' stores have it.
    [[nodiscard]] bool was_interrupted() const { return ticket == 0 && stage != Stage::settled; }
};

/// A pointer while there was none. References last until the next insertion.
class IncomingTable {
  public:
    [[nodiscard]] std::size_t size() const { return table_ ? table_->size() : 0; }

    [[nodiscard]] Incoming* find(mqtt::PacketId id) {
        if (size() == 0)
            return nullptr;
        const auto found = table_->find(id);
        return found == table_->end() ? nullptr : &found->second;
    }

    /// Makes a new one unless it is there.
    Incoming& operator[](mqtt::PacketId id) {
        if (!table_)
            table_ = std::make_unique<Table>();
        return (*table_)[id];
    }

    /// False if it was not there.
    bool erase(mqtt::PacketId id) {
        if (!table_ || table_->erase(id) == 0)
            return false;
        if (table_->empty() && table_->bucket_count() > kept_when_empty)
            table_.reset();
        return true;
    }

    template <class Visit>
    void each(Visit&& visit) const {
        if (table_)
            for (const auto& [id, exchange] : *table_) visit(id, exchange);
    }

  private:
    using Table = boost::unordered_flat_map<mqtt::PacketId, Incoming>;
    static constexpr std::size_t kept_when_empty = 64;

    std::unique_ptr<Table> table_;
};

}  // namespace keepmq::broker
