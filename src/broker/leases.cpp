#include "broker/leases.hpp"

namespace keepmq::broker {

void Leases::take(MessageId id) {
    ++holders_[id];
}

bool Leases::take_if_free(MessageId id) {
    return holders_.try_emplace(id, 1).second;
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
