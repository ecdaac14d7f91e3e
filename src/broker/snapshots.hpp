#pragma once
// Copies of session state for the admin interface.

#include <functional>

#include "broker/broker.hpp"
#include "broker/session.hpp"

namespace keepmq::broker {

[[nodiscard]] SessionSnapshot snapshot(const Session& session);

/// False if the visitor wants no more.
bool visit_subscriptions(const Session& session,
                         const std::function<bool(const SubscriptionSnapshot&)>& visit);

}  // namespace keepmq::broker
