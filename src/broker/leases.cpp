#include "broker/leases.hpp"

namespace keepmq::broker {

void Leases::take(MessageId id) {
    ++holders_[id];
}

void Leases::give_back(MessageId id) {
    const auto found = holders_.find(id);
    if (found != holders_.end() && --found->second == 0)
        holders_.erase(found);
}

bool Leases::is_leased(MessageId id) const {
    return holders_.contains(id);
}

}  // namespace keepmq::broker
