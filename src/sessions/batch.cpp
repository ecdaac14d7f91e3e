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
                made.emplace(c.number, static_cast<std::uint32_t>(deliveries.size()));
                deliveries.push_back(std::move(c));
            },
            [&](const DeliverySent& c) {
                if (auto* delivery = find_made(c.number))
                    delivery->packet_id = c.packet_id;
                else
                    marks[c.number].sent = c.packet_id;
            },
            [&](const DeliveryReleased& c) {
                auto* delivery = find_made(c.number);
                if (!delivery) {
                    marks[c.number].released = true;
                    return;
                }
                delivery->released = true;
                delivery->message.reset();
                delivery->tracked = delivery->leased = false;
            },
            [&](const DeliveryGone& c) {
                if (auto* delivery = find_made(c.number)) {
                    *delivery = {};
                    made.erase(c.number);
                } else {
                    marks[c.number].gone = true;
                }
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
            [&](ReceivedKept& c) { received.push_back(std::move(c)); },
            [&](RetainedKept& c) {
                retained.insert_or_assign(c.message->topic.str(), std::move(c.message));
            },
            [&](const RetainedGone& c) { retained.insert_or_assign(c.topic.str(), nullptr); },
            [&](WillKept& c) { wills.insert_or_assign(c.session, std::move(c)); },
            [&](const WillGone& c) { wills.insert_or_assign(c.session, std::nullopt); },
        },
        change);
}

DeliveryKept* Batch::find_made(std::uint64_t number) {
    const auto found = made.find(number);
    return found == made.end() ? nullptr : &deliveries[found->second];
}

std::size_t Batch::size() const {
    return sessions.size() + gone.size() + subscriptions.size() + made.size() + marks.size() +
           incoming.size() + received.size() + retained.size() + wills.size();
}

}  // namespace keepmq::sessions
