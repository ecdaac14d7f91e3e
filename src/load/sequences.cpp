#include "load/sequences.hpp"

namespace keepmq::load {

Sequences::Sequences(const std::vector<std::uint64_t>& sent) {
    for (const auto each : sent) {
        publishers_.push_back({std::vector<bool>(each), 0});
        expected_ += each;
    }
}

void Sequences::came(const Stamp& stamp) {
    if (stamp.publisher >= publishers_.size() ||
        stamp.number >= publishers_[stamp.publisher].seen.size()) {
        ++unknown_;
        return;
    }
    auto& publisher = publishers_[stamp.publisher];
    if (publisher.seen[stamp.number]) {
        ++duplicates_;
        return;
    }
    publisher.seen[stamp.number] = true;
    ++distinct_;
    if (stamp.number < publisher.next)
        ++out_of_order_;
    else
        publisher.next = stamp.number + 1;
}

}  // namespace keepmq::load
