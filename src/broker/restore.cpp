// The state of an earlier run, and how far the changes of this one are durable.

#include <unordered_map>

#include "base/overloaded.hpp"
#include "broker/core.hpp"

namespace keepmq::broker {
namespace {

class Restoration {
  public:
    Restoration(Core& core, Now now) : core_{core}, now_{now} {}

    void operator()(const SessionKept& kept) {
        if (Session* session = core_.lifecycle.restore(kept, now_))
            sessions_.emplace(kept.session, session);
    }
    void operator()(const SubscriptionKept& kept) {
        if (Session* session = find(kept.session))
            core_.subscriptions.restore(*session, kept);
    }
    void operator()(DeliveryKept& kept) {
        core_.journal.used_delivery(kept.number);
        Session* session = find(kept.session);
        if (!session || (kept.packet_id == 0 && !kept.message))
            return;
        Delivery delivery;
        delivery.message = std::move(kept.message);
        delivery.identifiers = std::move(kept.identifiers);
        delivery.number = kept.number;
        delivery.qos = kept.qos;
        delivery.retain = kept.retain;
        delivery.tracked = kept.tracked && delivery.message;
        delivery.leased = kept.leased && delivery.message;
        delivery.held = kept.held;
        if (const auto found = session->subscriptions.find(kept.share);
            found != session->subscriptions.end())
            delivery.group = found->second->group;
        core_.outbound.restore(*session, std::move(delivery), kept.packet_id, kept.released);
    }
    void operator()(const IncomingKept& kept) {
        if (Session* session = find(kept.session))
            session->incoming[kept.packet_id] = {.ticket = 0, .id = kept.id, .stage = kept.stage};
        if (kept.stage == Stage::taken)
            core_.received.expect(kept.id);
    }
    void operator()(const ReceivedKept& kept) {
        auto& by = core_.received.expect(kept.message);
        if (!kept.share.empty())
            by.shares.push_back(kept.share);
        else if (const Session* session = find(kept.session))
            by.sessions.insert(session->key);
    }
    void operator()(const RetainedKept& kept) { core_.router.restore(kept.message, now_); }
    void operator()(const WillKept& kept) {
        if (Session* session = find(kept.session))
            core_.lifecycle.restore(*session, kept, now_);
    }
    /// The others are no state.
    void operator()(const auto&) {}

  private:
    [[nodiscard]] Session* find(std::uint64_t kept) const {
        const auto found = sessions_.find(kept);
        return found == sessions_.end() ? nullptr : found->second;
    }

    Core& core_;
    Now now_;
    std::unordered_map<std::uint64_t, Session*> sessions_;
};

}  // namespace

void Core::restore(std::vector<Change>& kept, Now now) {
    journal.begin();
    Restoration restoration{*this, now};
    for (auto& change : kept) std::visit(restoration, change);
}

void Core::on_committed(std::uint64_t change) {
    journal.on_committed(change);
    for (const auto id : std::exchange(awaiting, {})) {
        Connection* connection = find(id);
        if (!connection)
            continue;
        connection->awaits_commit = false;
        if (connection->state == Connection::State::closed)
            continue;
        if (connection->outbox.release(change))
            touch(*connection);
        inbound.flush(*connection);
        if (connection->outbox.holds() || connection->acks.awaits(change))
            await_commit(*connection);
    }
}

void Core::on_commit_failed(Now now) {
    for (const auto id : std::exchange(awaiting, {})) {
        Connection* connection = find(id);
        if (!connection)
            continue;
        connection->awaits_commit = false;
        if (connection->state == Connection::State::closed)
            continue;
        if (connection->outbox.holds())
            lifecycle.disconnect(*connection, mqtt::ReasonCode::quota_exceeded, now);
        else
            inbound.refuse_waiting(*connection, now);
    }
}

}  // namespace keepmq::broker
