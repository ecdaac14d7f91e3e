#pragma once
// What each operation and query means, in the plainest possible form: the reference for backends.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "store/op.hpp"
#include "store/testing/presence.hpp"

namespace keepmq::store::testing {

/// Not thread-safe.
class MemoryTables {
  public:
    void apply(const Op& op);
    [[nodiscard]] Reply read(const Query& query) const;

    void provision(const ClientId& client, StoredSubscription subscription);
    [[nodiscard]] std::optional<Presence> presence(const ClientId& client) const;
    [[nodiscard]] const std::vector<Execute>& executed() const { return executed_; }
    [[nodiscard]] std::size_t stored_messages() const { return messages_.size(); }

  private:
    using Place = std::int64_t;  // in the order of arrival, from 1
    using Cursors = std::map<std::pair<ClientId, std::string>, Place>;

    void run(const ClientOnline& op);
    void run(const ClientOffline& op);
    void run(const StoreMessage& op);
    void run(const StoreRetained& op);
    void run(const DeleteRetained& op);
    void run(const InitCursor& op);
    void run(const AdvanceCursor& op);
    void run(const DeleteCursor& op);
    void run(const RemoveMessage& op);
    void run(const Execute& op);

    [[nodiscard]] Reply answer(const LookupSubscriptions& query) const;
    [[nodiscard]] Reply answer(const LookupRetained& query) const;
    [[nodiscard]] Reply answer(const FetchMessages& query) const;

    [[nodiscard]] bool is_wanted(const FetchMessages& query,
                                 Place place,
                                 const Message& message) const;
    [[nodiscard]] Place position(const ClientId& client, const std::string& filter) const;
    [[nodiscard]] bool is_newest_of_topic(Place place, const Message& message) const;
    void remove(std::map<Place, MessagePtr>::iterator message);

    std::map<ClientId, Presence> clients_;
    std::map<ClientId, std::vector<StoredSubscription>> subscriptions_;
    std::map<Place, MessagePtr> messages_;
    std::map<MessageId, Place> places_;
    std::map<TopicName, std::set<Place>> topics_;
    std::map<TopicName, MessagePtr> retained_;
    Cursors cursors_;
    std::vector<Execute> executed_;
    Place last_place_ = 0;
};

}  // namespace keepmq::store::testing
