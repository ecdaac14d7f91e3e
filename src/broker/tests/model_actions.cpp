// The part of the world that stands for clients: what they do.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/tests/model_world.hpp"
#include "model/topic.hpp"

namespace keepmq::broker::model {

void World::connect(Client& client, bool clean, bool lasting) {
    note([&] {
        return fmt::format("{} connects clean={} lasting={}", client.id.str(), clean, lasting);
    });
    client.forget_connection();
    client.connection = broker_->open("192.0.2.1", 1, now_);
    client.open = true;
    mqtt::Connect packet;
    packet.version = client.version;
    packet.client_id = client.id.view();
    packet.clean_start = clean;
    if (client.version == mqtt::ProtocolVersion::v5) {
        packet.session_expiry_interval = lasting ? 86'400 : 0;
        packet.receive_maximum = static_cast<std::uint16_t>(1 + below(6));
    } else {
        packet.session_expiry_interval = clean ? 0 : 0xFFFFFFFF;
    }
    send(client, packet);
}

void World::disconnect(Client& client) {
    const bool polite = chance(50);
    note([&] { return fmt::format("{} {}", client.id.str(), polite ? "disconnects" : "breaks"); });
    const auto connection = client.connection;
    if (polite) {
        closing_.insert(connection);
        send(client, mqtt::Disconnect{});
    } else {
        client.forget_connection();
        broker_->on_closed(connection, now_);
        carry_out();
        broker_->release(connection);
    }
}

void World::subscribe(Client& client, const std::vector<std::string>& filters) {
    note([&] { return fmt::format("{} subscribes {}", client.id.str(), fmt::join(filters, " ")); });
    for (const auto& filter : filters) {
        if (has_wildcard(filter) && !client.subscribed.contains(filter))
            start_over(client, filter, filters);
        const auto brings = [&](const auto& other) {
            return other != filter && filter_matches(other, filter);
        };
        if (!client.opened.contains(filter) &&
            (std::any_of(client.subscribed.begin(), client.subscribed.end(), brings) ||
             std::any_of(filters.begin(), filters.end(), brings)))
            client.unordered_until[filter] = places_[filter];
    }
    mqtt::Subscribe packet;
    packet.packet_id = client.next_packet_id();
    for (const auto& filter : filters) {
        mqtt::SubscribeEntry entry;
        entry.filter = filter;
        entry.qos = client.qos;
        entry.no_local = client.no_local;
        packet.entries.push_back(entry);
        client.subscribed.insert(filter);
    }
    client.subscribing.emplace(packet.packet_id, filters);
    send(client, packet);
}

/// A wildcard moves the positions of the topics it covers from where it began. What an earlier
/// session was promised by filters that this one does not have is no longer owed.
void World::start_over(Client& client,
                       const std::string& wildcard,
                       const std::vector<std::string>& together_with) {
    const auto is_gone = [&](const std::string& filter) {
        return !client.subscribed.contains(filter) && filters_overlap(filter, wildcard) &&
               std::find(together_with.begin(), together_with.end(), filter) == together_with.end();
    };
    std::erase_if(client.confirmed, is_gone);
    for (auto& [uid, published] : published_) {
        const auto promise = published.promises.find(number_of(client));
        if (promise == published.promises.end() || !filter_matches(wildcard, published.topic))
            continue;
        std::erase_if(promise->second.filters, is_gone);
        if (promise->second.filters.empty())
            published.promises.erase(promise);
    }
}

void World::unsubscribe(Client& client, const std::string& filter) {
    note([&] { return fmt::format("{} unsubscribes {}", client.id.str(), filter); });
    client.confirmed.erase(filter);
    for (auto& [packet_id, filters] : client.subscribing)
        std::replace(filters.begin(), filters.end(), filter, std::string{});
    subscription_ends(client, filter);
    for (auto& [uid, published] : published_) {
        const auto promise = published.promises.find(number_of(client));
        if (promise == published.promises.end())
            continue;
        promise->second.filters.erase(filter);
        if (promise->second.filters.empty())
            published.promises.erase(promise);
    }
    mqtt::Unsubscribe packet;
    packet.packet_id = client.next_packet_id();
    packet.filters.push_back(filter);
    send(client, packet);
    client.subscribed.erase(filter);
}

/// Live messages may have come meanwhile, and those with wildcards are now alone.
void World::subscription_is_refused(Client& client, const std::string& filter) {
    subscription_ends(client, filter);
    client.subscribed.erase(filter);
    for (const auto& other : client.subscribed) {
        if (has_wildcard(other))
            start_over(client, other, {});
    }
}

void World::subscription_ends(Client& client, const std::string& filter) {
    client.opened.erase(filter);
    for (const auto& [uid, published] : published_) {
        if (!filter_matches(filter, published.topic))
            continue;
        const auto seen = client.seen.find(uid);
        const bool acked = seen != client.seen.end() && seen->second.acked;
        client.left_over[uid] = !acked;
        if (acked)
            client.seen.erase(seen);
        for (const auto* qos : {"/0", "/1", "/2"}) client.newest.erase(published.topic + qos);
    }
}

void World::publish(Client& client) {
    mqtt::Publish packet;
    const auto payload = std::to_string(++last_uid_);
    packet.topic = topics_[below(topics_.size())];
    packet.payload = payload;
    packet.qos = chance(70)   ? Qos::at_least_once
                 : chance(70) ? Qos::exactly_once
                              : Qos::at_most_once;
    packet.retain = chance(5);
    if (packet.qos != Qos::at_most_once) {
        packet.packet_id = client.next_packet_id();
        client.publishing.emplace_back(packet.packet_id, last_uid_);
    }
    note([&] {
        return fmt::format("{} publishes {} on {} qos={} retain={}",
                           client.id.str(),
                           payload,
                           packet.topic,
                           static_cast<int>(packet.qos),
                           packet.retain);
    });
    send(client, packet);
}

void World::acknowledge(Client& client, std::size_t which) {
    const auto owed = client.owed[which];
    client.owed.erase(client.owed.begin() + static_cast<std::ptrdiff_t>(which));
    note([&] {
        return fmt::format("{} acknowledges {} id={}", client.id.str(), owed.uid, owed.packet_id);
    });
    if (owed.released) {
        send(client, mqtt::Pubcomp{owed.packet_id});
        return;
    }
    if (!owed.retained)
        client.has_acknowledged(owed.uid);
    if (auto& promises = published_.at(owed.uid).promises; promises.contains(number_of(client)))
        promises.at(number_of(client)).acked = true;
    if (owed.qos == Qos::at_least_once) {
        send(client, mqtt::Puback{owed.packet_id});
    } else {
        client.unreleased.insert(owed.packet_id);
        send(client, mqtt::Pubrec{owed.packet_id});
    }
}

void World::send(Client& client, const mqtt::Packet& packet) {
    broker_->on_packet(client.connection, packet, now_);
    carry_out();
}

void World::read_some(Client& client, std::size_t bytes) {
    if (!client.open)
        return;
    const auto connection = client.connection;
    auto& outbox = broker_->outbox(connection);
    const auto chunk = outbox.unsent().substr(0, bytes);
    client.received += chunk;
    outbox.consume(chunk.size());
    broker_->on_written(connection, now_);
    carry_out();

    auto received = std::exchange(client.received, {});
    std::size_t used = 0;
    mqtt::Packet packet;
    while (client.open && client.connection == connection) {
        const mqtt::DecodeOptions options{client.version, mqtt::Sender::server};
        const auto decoded = mqtt::decode(std::string_view{received}.substr(used), options, packet);
        if (decoded.status == mqtt::DecodeStatus::refused)
            fail(fmt::format("{} cannot read: {}", client.id.str(), decoded.detail));
        if (decoded.status != mqtt::DecodeStatus::complete)
            break;
        used += decoded.consumed;
        on_packet(client, packet);
    }
    if (client.open && client.connection == connection)
        client.received = received.substr(used);
}

}  // namespace keepmq::broker::model
