#pragma once
// SUBSCRIBE and UNSUBSCRIBE, by clients and on their behalf. Shard-local.

#include <span>
#include <string_view>

#include "base/time.hpp"
#include "broker/broker.hpp"
#include "broker/connection.hpp"
#include "broker/session.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

struct Core;

class Subscriptions {
  public:
    explicit Subscriptions(Core& core) : core_{core} {}

    void on_subscribe(Connection& connection, const mqtt::Subscribe& packet, Now now);
    void on_unsubscribe(Connection& connection, const mqtt::Unsubscribe& packet, Now now);
    void subscribe_on_behalf(Session& session, std::span<const Provisioned> wanted, Now now);
    void unsubscribe_on_behalf(Session& session, std::span<const TopicFilter> filters, Now now);

    /// False if there was none. Raises session.unsubscribed if `announce`.
    enum class Announce : bool { no, yes };
    bool remove(Session& session, std::string_view as_subscribed, Announce announce, Now now);
    void remove_all(Session& session);

    /// The subscription must survive a restart, if its session does.
    void keep(const Session& session, const Subscription& subscription);
    /// The session has its connection, or has lost it.
    void connected(const Session& session, bool now);
    /// The session survives no restart any more.
    void lasts_no_more(const Session& session);
    /// From before a restart.
    void restore(Session& session, const SubscriptionKept& kept);
    /// A session has its client again. What was dropped from its queue meanwhile is fetched; after
    /// a restart nobody knows what that is, so all that its subscriptions replay is looked at anew.
    void reopen(Session& session, Now now);

  private:
    [[nodiscard]] mqtt::ReasonCode check(const Session& session,
                                         const mqtt::SubscribeEntry& entry) const;
    /// Makes or replaces the subscription; true if it is new.
    bool put(Session& session,
             const mqtt::SubscribeEntry& entry,
             Qos granted,
             std::uint32_t identifier);
    void announce(const Session& session, const Subscription& subscription);
    void attach(Session& session, Subscription& subscription);
    void detach(Session& session, Subscription& subscription);

    Core& core_;
    std::uint64_t made_ = 0;
};

}  // namespace keepmq::broker
