#pragma once
// Stored one-to-one messages that sessions hold: a fetch leaves them out, so that a row is in one
// session's hands at a time. Live fan-out may put a message into several. Shard-local; the shards
// of a node share one that locks (runtime).

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "model/message_id.hpp"

namespace keepmq::broker {

class Leases {
  public:
    Leases() = default;
    virtual ~Leases() = default;
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;

    /// Some rule is one-to-one: from now on stored messages are counted at all.
    virtual void begin() { on_ = true; }
    [[nodiscard]] virtual bool on() const { return on_; }

    /// One more session has the message queued or in flight.
    virtual void take(MessageId id);
    /// The same if nobody holds it; else false.
    [[nodiscard]] virtual bool take_if_free(MessageId id);
    /// A session acknowledged it, or ended without. Nothing happens for a message that nobody
    /// holds.
    virtual void give_back(MessageId id);
    [[nodiscard]] virtual bool is_leased(MessageId id) const;
    /// Messages that at least one session holds.
    [[nodiscard]] virtual std::size_t size() const { return holders_.size(); }

  private:
    std::unordered_map<MessageId, std::uint32_t> holders_;
    bool on_ = false;
};

}  // namespace keepmq::broker
