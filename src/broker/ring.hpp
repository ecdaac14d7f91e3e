#pragma once
// A queue in one block of memory. Unlike std::deque it holds nothing while it was never used, which
// counts when there is one for each of a million idle sessions.

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace keepmq::broker {

template <class T>
class Ring {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] T& front() { return slots_[head_]; }
    [[nodiscard]] T& operator[](std::size_t index) {
        return slots_[(head_ + index) & (slots_.size() - 1)];
    }
    [[nodiscard]] const T& operator[](std::size_t index) const {
        return slots_[(head_ + index) & (slots_.size() - 1)];
    }

    T& push_back(T value) {
        if (size_ == slots_.size())
            grow();
        ++size_;
        T& slot = (*this)[size_ - 1];
        slot = std::move(value);
        return slot;
    }

    T pop_front() {
        T value = take(slots_[head_]);
        head_ = (head_ + 1) & (slots_.size() - 1);
        --size_;
        if (size_ == 0 && slots_.size() > kept_when_empty)
            clear();
        return value;
    }

    void clear() { *this = Ring{}; }

  private:
    static constexpr std::size_t kept_when_empty = 64;

    /// Leaves nothing behind that holds memory.
    static T take(T& slot) {
        if constexpr (std::is_trivially_copyable_v<T>)
            return slot;
        else
            return std::exchange(slot, T{});
    }

    void grow() {
        std::vector<T> larger(slots_.empty() ? 4 : slots_.size() * 2);
        for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
        slots_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> slots_;  ///< size is a power of two, or 0
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace keepmq::broker
