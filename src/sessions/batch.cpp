#include "sessions/batch.hpp"

#include "base/overloaded.hpp"

namespace keepmq::sessions {

using namespace broker;

void Batch::add(Change&& change) {
    std::visit(
        Overloaded{
            [&](SessionKept& c) { sessions.insert_or_assign(c.session, std::move(c)); },
            [&](const SessionGone& c) {
                sessions.erase(c.session);
                gone.insert(c.session);
            },
            [&](SubscriptionKept& c) {
                OfSession key{c.session, c.filter};
                subscriptions.insert_or_assign(std::move(key), std::move(c));
            },
            [&](SubscriptionGone& c) {
                subscriptions.insert_or_assign({c.session, std::move(c.filter)}, std::nullopt);
            },
            [&](DeliveryKept& c) {
                const auto number = c.number;
                deliveries[number].made = std::move(c);
            },
            [&](const DeliverySent& c) {
                auto& delivery = deliveries[c.number];
                if (delivery.made)
                    delivery.made->packet_id = c.packet_id;
                else
                    delivery.sent = c.packet_id;
            },
            [&](const DeliveryReleased& c) {
                auto& delivery = deliveries[c.number];
                delivery.released = !delivery.made;
                if (!delivery.made)
                    return;
                delivery.made->released = true;
                delivery.made->message.reset();
                delivery.made->tracked = delivery.made->leased = false;
            },
            [&](const DeliveryGone& c) {
                const auto found = deliveries.try_emplace(c.number).first;
                if (found->second.made)
                    deliveries.erase(found);
                else
                    found->second.gone = true;
            },
            [&](const IncomingKept& c) {
                const auto [at, is_new] = incoming.try_emplace({c.session, c.packet_id});
                if (is_new)
                    at->second.fresh = c.stage == Stage::taken;
                at->second.kept = c;
            },
            [&](const IncomingGone& c) {
                const auto found = incoming.try_emplace({c.session, c.packet_id}).first;
                if (found->second.fresh)
                    incoming.erase(found);
                else
                    found->second.kept.reset();
            },
            [&](RetainedKept& c) {
                retained.insert_or_assign(c.message->topic.str(), std::move(c.message));
            },
            [&](const RetainedGone& c) { retained.insert_or_assign(c.topic.str(), nullptr); },
            [&](WillKept& c) { wills.insert_or_assign(c.session, std::move(c)); },
            [&](const WillGone& c) { wills.insert_or_assign(c.session, std::nullopt); },
        },
        change);
}

std::size_t Batch::size() const {
    return sessions.size() + gone.size() + subscriptions.size() + deliveries.size() +
           incoming.size() + retained.size() + wills.size();
}

}  // namespace keepmq::sessions
