#pragma once
// The way to the pools. What may not be stored before a change of the broker is durable waits here,
// and all that comes behind it, for the order must stay. Lives on the shard's thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

namespace keepmq::runtime {

class Gate {
  public:
    using Work = std::function<void()>;

    [[nodiscard]] bool is_closed() const {
        return !passing_ && (!waiting_.empty() || not_before_ > committed_);
    }
    [[nodiscard]] bool is_durable(std::uint64_t change) const { return change <= committed_; }
    /// All changes up to this one are durable.
    [[nodiscard]] std::uint64_t committed() const { return committed_; }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

    /// What comes from now on waits for the change.
    void close_until(std::uint64_t change) { not_before_ = std::max(not_before_, change); }
    /// `refuse` runs in the place of `work` if that needs a change which does not become durable;
    /// null: only the order makes it wait. Precondition: closed.
    void add(Work work, Work refuse = {}) {
        waiting_.push_back({not_before_, std::move(work), std::move(refuse)});
    }
    /// Something had its turn: what it hands in does not wait again.
    void pass(const Work& work) {
        passing_ = true;
        work();
        passing_ = false;
    }

    void open(std::uint64_t committed) {
        failing_ = false;
        committed_ = std::max(committed_, committed);
        while (!waiting_.empty() && waiting_.front().after <= committed_) {
            const auto work = std::move(waiting_.front().work);
            waiting_.pop_front();
            work();
        }
    }
    /// Until `open` nothing becomes durable: see turn_away.
    void fail() { failing_ = true; }
    /// While that is so, refuses those who need it and lets the others go on. False if nobody
    /// waits.
    bool turn_away() {
        if (!failing_ || waiting_.empty())
            return false;
        not_before_ = committed_;
        for (const auto& each : std::exchange(waiting_, {}))
            (each.refuse ? each.refuse : each.work)();
        return true;
    }

  private:
    struct Waiting {
        std::uint64_t after = 0;
        Work work;
        Work refuse;
    };
    std::deque<Waiting> waiting_;
    std::uint64_t not_before_ = 0;
    std::uint64_t committed_ = 0;
    bool passing_ = false;
    bool failing_ = false;
};

}  // namespace keepmq::runtime
