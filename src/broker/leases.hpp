#pragma once
// Stored one-to-one messages that sessions hold: a fetch leaves them out, so that a row is in one
// session's hands at a time. Live fan-out may put a message into several. Shard-local.

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "model/message_id.hpp"

namespace keepmq::broker {

class Leases {
  public:
    /// One more session has the message queued or in flight.
    void take(MessageId id);
    /// A session acknowledged it, or ended without. Nothing happens for a message that nobody
    /// holds.
    void give_back(MessageId id);
    [[nodiscard]] bool is_leased(MessageId id) const;
    /// Messages that at least one session holds.
    [[nodiscard]] std::size_t size() const { return holders_.size(); }

  private:
    std::unordered_map<MessageId, std::uint32_t> holders_;
};

}  // namespace keepmq::broker
