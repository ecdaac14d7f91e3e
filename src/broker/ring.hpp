#pragma once
// A queue in one block of memory. It is a pointer while it was never used, which counts when there
// are several for each of a million idle sessions.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace keepmq::broker {

template <class T>
class Ring {
  public:
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::size_t size() const { return block_ ? block_->size : 0; }
    [[nodiscard]] T& front() { return block_->slots[block_->head]; }
    [[nodiscard]] T& operator[](std::size_t index) { return block_->at(index); }
    [[nodiscard]] const T& operator[](std::size_t index) const { return block_->at(index); }

    T& push_back(T value) {
        if (!block_)
            block_ = std::make_unique<Block>();
        if (block_->size == block_->slots.size())
            block_->grow();
        T& slot = block_->at(block_->size++);
        slot = std::move(value);
        return slot;
    }

    T pop_front() {
        Block& block = *block_;
        T value = take(block.slots[block.head]);
        block.head = (block.head + 1) & (block.slots.size() - 1);
        if (--block.size == 0 && block.slots.size() > kept_when_empty)
            clear();
        return value;
    }

    void clear() { block_.reset(); }

  private:
    static constexpr std::size_t kept_when_empty = 64;

    struct Block {
        std::vector<T> slots = std::vector<T>(4);  ///< size is a power of two
        std::size_t head = 0;
        std::size_t size = 0;

        [[nodiscard]] T& at(std::size_t index) {
            return slots[(head + index) & (slots.size() - 1)];
        }
        void grow() {
            std::vector<T> larger(slots.size() * 2);
            for (std::size_t i = 0; i < size; ++i) larger[i] = std::move(at(i));
            slots = std::move(larger);
            head = 0;
        }
    };

    /// Leaves nothing behind that holds memory.
    static T take(T& slot) {
        if constexpr (std::is_trivially_copyable_v<T>)
            return slot;
        else
            return std::exchange(slot, T{});
    }

    std::unique_ptr<Block> block_;
};

}  // namespace keepmq::broker
