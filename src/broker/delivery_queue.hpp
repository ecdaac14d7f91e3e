#pragma once
// What waits to be sent to one client, and what the limits ask of it. Shard-local.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/inflight.hpp"
#include "broker/ring.hpp"

namespace keepmq::broker {

/// What a message counts for in the queue of one session.
[[nodiscard]] inline std::size_t weight(const Message& message) {
    return message.payload.size() + message.topic.str().size() + sizeof(Delivery);
}

/// A pointer while nothing ever waited.
class DeliveryQueue {
  public:
    [[nodiscard]] bool empty() const { return !block_ || block_->ring.empty(); }
    [[nodiscard]] std::size_t size() const { return block_ ? block_->ring.size() : 0; }
    [[nodiscard]] std::size_t bytes() const { return block_ ? block_->bytes : 0; }
    /// Beyond the limit.
    [[nodiscard]] std::size_t forced() const { return block_ ? block_->forced : 0; }
    [[nodiscard]] std::size_t qos0() const { return block_ ? block_->qos0 : 0; }
    // Precondition: not empty.
    [[nodiscard]] Delivery& front() { return block_->ring.front(); }
    [[nodiscard]] Delivery& operator[](std::size_t index) { return block_->ring[index]; }

    void push_back(Delivery delivery) {
        if (!block_)
            block_ = std::make_unique<Block>();
        block_->bytes += weight(*delivery.message);
        block_->forced += delivery.forced ? 1 : 0;
        block_->qos0 += delivery.qos == Qos::at_most_once ? 1 : 0;
        block_->ring.push_back(std::move(delivery));
    }
    /// Precondition: not empty.
    Delivery pop_front() {
        auto delivery = block_->ring.pop_front();
        block_->bytes -= weight(*delivery.message);
        block_->forced -= delivery.forced ? 1 : 0;
        block_->qos0 -= delivery.qos == Qos::at_most_once ? 1 : 0;
        return delivery;
    }
    void clear() { block_.reset(); }

  private:
    struct Block {
        Ring<Delivery> ring;
        std::size_t bytes = 0;
        std::uint32_t forced = 0;
        std::uint32_t qos0 = 0;
    };
    std::unique_ptr<Block> block_;
};

}  // namespace keepmq::broker
