#include "broker/tests/disk.hpp"

#include <gtest/gtest.h>

#include "base/overloaded.hpp"

namespace keepmq::broker::testing {

std::size_t Disk::write(Broker& broker) {
    std::vector<Change> changes;
    broker.swap_changes(changes);
    for (auto& change : changes) apply(change);
    return changes.size();
}

void Disk::apply(Change& change) {
    const auto of = [](std::uint64_t session) {
        return [session](const auto& row) { return row.first.first == session; };
    };
    std::visit(Overloaded{
                   [&](SessionKept& c) { sessions_.insert_or_assign(c.session, c); },
                   [&](SessionGone& c) {
                       EXPECT_EQ(sessions_.erase(c.session), 1U);
                       std::erase_if(subscriptions_, of(c.session));
                       std::erase_if(incoming_, of(c.session));
                       wills_.erase(c.session);
                       for (const auto& [number, delivery] : deliveries_)
                           EXPECT_NE(delivery.session, c.session) << "a delivery to nobody stays";
                   },
                   [&](SubscriptionKept& c) {
                       subscriptions_.insert_or_assign({c.session, c.filter}, c);
                   },
                   [&](SubscriptionGone& c) {
                       subscriptions_.erase({c.session, c.filter});
                   },
                   [&](DeliveryKept& c) { EXPECT_TRUE(deliveries_.emplace(c.number, c).second); },
                   [&](DeliverySent& c) { deliveries_.at(c.number).packet_id = c.packet_id; },
                   [&](DeliveryReleased& c) {
                       auto& delivery = deliveries_.at(c.number);
                       delivery.released = true;
                       delivery.message.reset();
                   },
                   [&](DeliveryGone& c) { EXPECT_EQ(deliveries_.erase(c.number), 1U); },
                   [&](IncomingKept& c) {
                       incoming_.insert_or_assign({c.session, c.packet_id}, c);
                   },
                   [&](IncomingGone& c) {
                       EXPECT_EQ(incoming_.erase({c.session, c.packet_id}), 1U);
                   },
                   [&](ReceivedKept& c) { received_.insert(c); },
                   [&](RetainedKept& c) { retained_.insert_or_assign(c.message->topic.str(), c); },
                   [&](RetainedGone& c) { retained_.erase(c.topic.str()); },
                   [&](WillKept& c) { wills_.insert_or_assign(c.session, c); },
                   [&](WillGone& c) { EXPECT_EQ(wills_.erase(c.session), 1U); },
               },
               change);
}

std::vector<Change> Disk::content() const {
    std::vector<Change> all;
    const auto add = [&](const auto& rows) {
        for (const auto& [key, row] : rows) all.emplace_back(row);
    };
    add(sessions_);
    add(subscriptions_);
    add(deliveries_);
    add(incoming_);
    all.insert(all.end(), received_.begin(), received_.end());
    add(retained_);
    add(wills_);
    return all;
}

std::size_t Disk::rows() const {
    return sessions_.size() + subscriptions_.size() + deliveries_.size() + incoming_.size() +
           retained_.size() + wills_.size();
}

}  // namespace keepmq::broker::testing
