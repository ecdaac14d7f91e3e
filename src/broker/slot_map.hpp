#pragma once
// Objects found by a key that is never used twice: index in the low half, generation in the high
// half. Finding is one array access, and a key of a dead object finds nothing. No key is 0, and all
// are below 2^slot_key_bits.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace keepmq::broker {

constexpr unsigned slot_key_bits = 62;

template <class T>
class SlotMap {
  public:
    using Key = std::uint64_t;

    Key insert(T value) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        const auto index = free_.back();
        free_.pop_back();
        Slot& slot = slots_[index];
        slot.value = std::move(value);
        slot.used = true;
        ++size_;
        return (Key{slot.generation} << 32U) | index;
    }

    [[nodiscard]] T* find(Key key) {
        const auto index = static_cast<std::uint32_t>(key);
        if (index >= slots_.size())
            return nullptr;
        Slot& slot = slots_[index];
        return slot.used && slot.generation == key >> 32U ? &slot.value : nullptr;
    }
    [[nodiscard]] const T* find(Key key) const { return const_cast<SlotMap*>(this)->find(key); }

    bool erase(Key key) {
        T* found = find(key);
        if (!found)
            return false;
        Slot& slot = slots_[static_cast<std::uint32_t>(key)];
        *found = T{};
        slot.used = false;
        if (++slot.generation >> (slot_key_bits - 32U) != 0)
            slot.generation = 1;
        free_.push_back(static_cast<std::uint32_t>(key));
        --size_;
        return true;
    }

    [[nodiscard]] std::size_t size() const { return size_; }

    /// `visit` may not insert or erase.
    template <class Visit>
    void each(Visit&& visit) {
        for (auto& slot : slots_) {
            if (slot.used)
                visit(slot.value);
        }
    }

  private:
    struct Slot {
        T value{};
        std::uint32_t generation = 1;
        bool used = false;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace keepmq::broker
