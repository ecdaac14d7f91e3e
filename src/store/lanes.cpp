#include "store/lanes.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/overloaded.hpp"

namespace keepmq::store {
namespace {

/// Brings the queues of all lanes into one order.
class Merge {
  public:
    explicit Merge(std::vector<std::deque<Chunk>> queues) : queues_{std::move(queues)} {
        for (const auto& queue : queues_)
            for (const Chunk& chunk : queue)
                for (const Chunk::Mark& mark : chunk.marks) ++ahead_[mark.barrier.get()];
    }

    std::vector<Entry> run() {
        while (true) {
            bool moved = false;
            for (std::size_t lane = 0; lane < queues_.size(); ++lane)
                for (auto& queue = queues_[lane]; !queue.empty() && is_free(queue.front());
                     queue.pop_front(), moved = true)
                    move(lane, queue.front());
            // Barriers stand in the same order in every lane, so one that nothing is ahead of is
            // always there.
            if (!moved)
                return std::move(order_);
        }
    }

  private:
    [[nodiscard]] bool is_free(const Chunk& chunk) const {
        const auto ahead = ahead_.find(chunk.hold.get());
        return chunk.hold == nullptr || ahead == ahead_.end() || ahead->second == 0;
    }

    void move(std::size_t lane, Chunk& chunk) {
        auto mark = chunk.marks.begin();
        const auto pass_marks = [&](std::size_t place) {
            for (; mark != chunk.marks.end() && mark->place <= place; ++mark) {
                --ahead_[mark->barrier.get()];
                order_.emplace_back(QueuedMark{lane, mark->barrier});
            }
        };
        for (std::size_t place = 0; place < chunk.items.size(); ++place) {
            pass_marks(place);
            order_.emplace_back(std::move(chunk.items[place]));
        }
        pass_marks(chunk.items.size());
    }

    std::vector<std::deque<Chunk>> queues_;
    std::unordered_map<const Barrier*, std::size_t> ahead_;  // marks that are not passed yet
    std::vector<Entry> order_;
};

}  // namespace

Lanes::Lanes(PoolCore& core, Diversion* diversion)
    : diversion_{diversion}, diverted_{diversion != nullptr} {
    const std::size_t count = std::max<std::size_t>(1, core.backend->lanes());
    for (std::size_t number = 0; number < count; ++number)
        lanes_.push_back(std::make_unique<Lane>(core, number, diverted_));
}

void Lanes::submit(Item&& item) {
    // At most once more: a diversion that takes nothing has ended.
    while (!try_submit(item) && !diversion_->take(item)) {
    }
}

bool Lanes::try_submit(Item& item) {
    if (!is_for_all(item))
        return lane_of(item.order).submit(item);
    const std::lock_guard lock{barrier_mutex_};
    if (diverted_)
        return false;
    submit_after_all(std::move(item));
    return true;
}

/// With the lock held.
void Lanes::submit_after_all(Item&& item) {
    Lane& target = lane_of(item.order);
    const auto barrier = std::make_shared<Barrier>(lanes_.size(), [&target] { target.wake(); });
    for (const auto& lane : lanes_)
        if (lane.get() != &target)
            lane->mark(barrier);
    target.submit_after(barrier, std::move(item));
    barrier->arrive();
}

void Lanes::mark(Order order, const BarrierPtr& barrier) {
    const std::lock_guard lock{barrier_mutex_};
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
        if (!order.after_all && lane != order.key % lanes_.size())
            continue;
        if (diverted_)
            diversion_->take(QueuedMark{lane, barrier});
        else
            lanes_[lane]->mark(barrier);
    }
}

std::vector<Entry> Lanes::divert(const Frozen&) {
    diverted_ = true;
    std::vector<std::deque<Chunk>> queues;
    for (const auto& lane : lanes_) queues.push_back(lane->divert());
    return Merge{std::move(queues)}.run();
}

void Lanes::restore(const Frozen&, std::deque<Entry>&& waiting) {
    for (Entry& entry : waiting)
        std::visit(Overloaded{[&](Item& item) {
                                  if (is_for_all(item))
                                      submit_after_all(std::move(item));
                                  else
                                      lane_of(item.order).resubmit(std::move(item));
                              },
                              [&](const QueuedMark& mark) { pass(mark); }},
                   entry);
    for (const auto& lane : lanes_) lane->restore();
    diverted_ = false;
}

void Lanes::resubmit(Item&& item) {
    if (!is_for_all(item))
        return lane_of(item.order).resubmit(std::move(item));
    const std::lock_guard lock{barrier_mutex_};
    submit_after_all(std::move(item));
}

std::optional<SteadyTime> Lanes::oldest() const {
    std::optional<SteadyTime> oldest;
    for (const auto& lane : lanes_)
        if (const auto its = lane->oldest(); its && (!oldest || *its < *oldest))
            oldest = its;
    return oldest;
}

}  // namespace keepmq::store
