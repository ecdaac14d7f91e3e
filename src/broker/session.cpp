#include "broker/session.hpp"

namespace keepmq::broker {

Session& Sessions::create(const ClientId& client) {
    auto owned = std::make_unique<Session>();
    Session& session = *owned;
    session.client = client;
    session.key = by_key_.insert(std::move(owned));
    by_client_.insert(&session);
    return session;
}

Session* Sessions::find(std::string_view client) const {
    const auto found = by_client_.find(client);
    return found == by_client_.end() ? nullptr : *found;
}

Session* Sessions::find(std::uint64_t key) const {
    const auto* found = by_key_.find(key);
    return found ? found->get() : nullptr;
}

void Sessions::erase(Session& session) {
    by_client_.erase(&session);
    by_key_.erase(session.key);
}

}  // namespace keepmq::broker
