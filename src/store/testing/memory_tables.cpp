#include "store/testing/memory_tables.hpp"

#include <algorithm>
#include <string>

#include "model/topic.hpp"

namespace keepmq::store::testing {
namespace {

/// As it comes back from a table: what a store does not keep is gone.
MessagePtr stored_form(const Message& message) {
    auto copy = std::make_shared<Message>();
    copy->id = message.id;
    copy->topic = message.topic;
    copy->payload = message.payload;
    copy->qos = message.qos;
    copy->retain = message.retain;
    copy->stored = true;
    copy->sender = message.sender;
    copy->at = message.at;
    return copy;
}

}  // namespace

void MemoryTables::apply(const Op& op) {
    std::visit([this](const auto& it) { run(it); }, op);
}

Reply MemoryTables::read(const Query& query) const {
    return std::visit([this](const auto& it) { return answer(it); }, query);
}

void MemoryTables::provision(const ClientId& client, StoredSubscription subscription) {
    subscriptions_[client].push_back(std::move(subscription));
}

std::optional<Presence> MemoryTables::presence(const ClientId& client) const {
    const auto found = clients_.find(client);
    return found == clients_.end() ? std::nullopt : std::optional{found->second};
}

// --- writes -------------------------------------------------------------------------------------

void MemoryTables::run(const ClientOnline& op) {
    Presence& row = clients_[op.client];
    if (!row.created)
        row.created = op.at;
    row.online = true;
    row.node = op.node;
    row.online_at = op.at;
    row.offline_at.reset();
}

void MemoryTables::run(const ClientOffline& op) {
    Presence& row = clients_[op.client];
    if (row.online_at && *row.online_at > op.connected_at)
        return;
    if (!row.created)
        row.created = op.at;
    row.online = false;
    row.node = op.node;
    row.offline_at = op.at;
}

void MemoryTables::run(const StoreMessage& op) {
    const Message& message = *op.message;
    if (places_.contains(message.id))
        return;
    if (op.keep == Keep::latest) {
        for (const Place place : std::set<Place>{topics_[message.topic]})
            if (const auto older = messages_.find(place); older->second->id < message.id)
                remove(older);
    }
    ++last_place_;
    messages_[last_place_] = stored_form(message);
    places_[message.id] = last_place_;
    topics_[message.topic].insert(last_place_);
}

void MemoryTables::run(const StoreRetained& op) {
    MessagePtr& row = retained_[op.message->topic];
    if (!row || row->id < op.message->id)
        row = stored_form(*op.message);
}

void MemoryTables::run(const DeleteRetained& op) {
    retained_.erase(op.topic);
}

void MemoryTables::run(const InitCursor& op) {
    Place place = 0;
    if (has_wildcard(op.filter.view()))
        place = last_place_;
    else if (op.from == FetchFrom::latest)
        if (const auto topic = topics_.find(TopicName{op.filter.view()});
            topic != topics_.end() && !topic->second.empty())
            place = *topic->second.rbegin();
    cursors_.try_emplace({op.client, op.filter.str()}, place);
}

void MemoryTables::run(const AdvanceCursor& op) {
    const auto message = places_.find(op.id);
    if (message == places_.end())
        return;
    Place& place = cursors_[{op.client, op.topic.str()}];
    place = std::max(place, message->second);
}

void MemoryTables::run(const DeleteCursor& op) {
    cursors_.erase({op.client, op.filter.str()});
}

void MemoryTables::run(const RemoveMessage& op) {
    const auto place = places_.find(op.id);
    if (place == places_.end())
        return;
    const auto message = messages_.find(place->second);
    if (message->second->topic == op.topic)
        remove(message);
}

void MemoryTables::run(const Execute& op) {
    executed_.push_back(op);
}

void MemoryTables::remove(std::map<Place, MessagePtr>::iterator message) {
    topics_[message->second->topic].erase(message->first);
    places_.erase(message->second->id);
    messages_.erase(message);
}

// --- reads --------------------------------------------------------------------------------------

Reply MemoryTables::answer(const LookupSubscriptions& query) const {
    const auto found = subscriptions_.find(query.client);
    return found == subscriptions_.end() ? std::vector<StoredSubscription>{} : found->second;
}

Reply MemoryTables::answer(const LookupRetained& query) const {
    MessagePage page;
    for (const auto& [topic, message] : retained_)
        if (filter_matches(query.filter.view(), topic.view()))
            page.messages.push_back(message);
    return page;
}

Reply MemoryTables::answer(const FetchMessages& query) const {
    MessagePage page;
    const Place after = query.after ? std::stoll(query.after->token) : 0;
    for (auto row = messages_.upper_bound(after); row != messages_.end(); ++row) {
        if (!is_wanted(query, row->first, *row->second))
            continue;
        page.messages.push_back(row->second);
        if (page.messages.size() >= query.limit) {
            page.next = Position{std::to_string(row->first)};
            break;
        }
    }
    return page;
}

bool MemoryTables::is_wanted(const FetchMessages& query,
                             Place place,
                             const Message& message) const {
    if (!filter_matches(query.filter.view(), message.topic.view()))
        return false;
    if (query.not_before && message.at < *query.not_before)
        return false;
    if (query.mode == FetchMode::queue)
        return true;
    if (query.mode == FetchMode::latest && !is_newest_of_topic(place, message))
        return false;
    return place > position(query.client, query.filter.str()) &&
           place > position(query.client, message.topic.str());
}

MemoryTables::Place MemoryTables::position(const ClientId& client,
                                           const std::string& filter) const {
    const auto found = cursors_.find({client, filter});
    return found == cursors_.end() ? 0 : found->second;
}

bool MemoryTables::is_newest_of_topic(Place place, const Message& message) const {
    return *topics_.at(message.topic).rbegin() == place;
}

}  // namespace keepmq::store::testing
