#pragma once
// What is due when. A deadline that moves later, as keep-alive does with every packet, costs
// nothing until the old moment comes; then the owner looks at its real deadline and arms again.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "broker/slot_map.hpp"

namespace keepmq::broker {

/// Held by the owner of a deadline: when its entry in the heap fires. One entry counts, an earlier
/// one replaces it and leaves the old one behind as stale.
struct Alarm {
    SteadyTime at = SteadyTime::max();
};

/// A moment that may not be set, in the space of one.
class Deadline {
  public:
    Deadline& operator=(SteadyTime at) {
        at_ = at;
        return *this;
    }
    void reset() { at_ = SteadyTime::max(); }
    explicit operator bool() const { return at_ != SteadyTime::max(); }
    [[nodiscard]] SteadyTime operator*() const { return at_; }

  private:
    SteadyTime at_ = SteadyTime::max();
};

class Timers {
  public:
    enum class Kind : std::uint8_t { connection, session, fence, retained };
    /// Each connection has one, so it is small.
    struct Entry {
        SteadyTime at;
        std::uint64_t key : slot_key_bits = 0;  ///< of a SlotMap
        Kind kind : 64 - slot_key_bits = Kind::connection;
    };

    void arm(Alarm& alarm, SteadyTime at, Kind kind, std::uint64_t key) {
        if (alarm.at <= at)
            return;
        alarm.at = at;
        Entry entry;
        entry.at = at;
        entry.key = key & ((std::uint64_t{1} << slot_key_bits) - 1);
        entry.kind = kind;
        heap_.push_back(entry);
        std::ranges::push_heap(heap_, later);
    }

    /// Whether `entry` is the one that counts for its owner; if so the alarm is disarmed.
    [[nodiscard]] static bool accept(Alarm& alarm, const Entry& entry) {
        if (alarm.at != entry.at)
            return false;
        alarm.at = SteadyTime::max();
        return true;
    }

    [[nodiscard]] std::optional<SteadyTime> next() const {
        return heap_.empty() ? std::nullopt : std::optional{heap_.front().at};
    }

    [[nodiscard]] std::optional<Entry> pop_due(SteadyTime now) {
        if (heap_.empty() || heap_.front().at > now)
            return std::nullopt;
        const Entry due = heap_.front();
        std::ranges::pop_heap(heap_, later);
        heap_.pop_back();
        return due;
    }

  private:
    static bool later(const Entry& a, const Entry& b) { return a.at > b.at; }

    std::vector<Entry> heap_;
};

}  // namespace keepmq::broker
