#pragma once
// What threads put in and one thread takes out, in order, all that waits at once.

#include <atomic>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace keepmq::runtime {

template <class T>
class Mailbox {
  public:
    /// `weight`: bytes that it keeps in memory, about. True if the owner must be woken: nothing
    /// waited before. Any thread.
    [[nodiscard]] bool put(T&& letter, std::size_t weight) {
        const std::lock_guard lock{mutex_};
        letters_.push_back(std::move(letter));
        size_.store(letters_.size(), std::memory_order_relaxed);
        weight_.fetch_add(weight, std::memory_order_relaxed);
        return letters_.size() == 1;
    }

    /// The same for several of which nobody asks for the weight.
    [[nodiscard]] bool put_all(std::vector<T>&& letters) {
        const std::lock_guard lock{mutex_};
        const bool wake = letters_.empty();
        if (wake)
            letters_ = std::move(letters);
        else
            letters_.insert(letters_.end(),
                            std::make_move_iterator(letters.begin()),
                            std::make_move_iterator(letters.end()));
        size_.store(letters_.size(), std::memory_order_relaxed);
        return wake;
    }

    /// Swaps with an empty vector. The owner's thread.
    void take(std::vector<T>& into) {
        const std::lock_guard lock{mutex_};
        letters_.swap(into);
        size_.store(0, std::memory_order_relaxed);
        weight_.store(0, std::memory_order_relaxed);
    }

    /// Letters that wait, and their weight. Any thread.
    [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t weight() const { return weight_.load(std::memory_order_relaxed); }

  private:
    std::mutex mutex_;
    std::vector<T> letters_;
    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> weight_{0};
};

}  // namespace keepmq::runtime
