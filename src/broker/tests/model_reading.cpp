// The part of the world that judges what clients read.

#include <fmt/format.h>

#include <algorithm>

#include "base/overloaded.hpp"
#include "broker/tests/model_world.hpp"

namespace keepmq::broker::model {

void World::on_packet(Client& client, const mqtt::Packet& packet) {
    const auto published_ack = [&](mqtt::PacketId packet_id, mqtt::ReasonCode reason) {
        if (client.publishing.empty() || client.publishing.front().first != packet_id) {
            fail(fmt::format("{}: acknowledgement of {} out of order", client.id.str(), packet_id));
            return;
        }
        const auto& published = published_.at(client.publishing.front().second);
        client.publishing.pop_front();
        if (!mqtt::is_error(reason) && published.stored && !store_.is_stored(published.message->id))
            fail(fmt::format("{} was acknowledged and is not stored", published.message->payload));
    };
    std::visit(Overloaded{
                   [&](const mqtt::Connack& connack) {
                       client.ready = !mqtt::is_error(connack.reason);
                       client.present = connack.session_present;
                       if (!client.ready)
                           fail(fmt::format("{}: CONNECT refused", client.id.str()));
                   },
                   [&](const mqtt::Suback& suback) {
                       const auto pending = client.subscribing.find(suback.packet_id);
                       if (pending == client.subscribing.end() ||
                           pending->second.size() != suback.reasons.size()) {
                           fail(fmt::format("{}: unexpected SUBACK", client.id.str()));
                           return;
                       }
                       for (std::size_t i = 0; i < suback.reasons.size(); ++i) {
                           if (!mqtt::is_error(suback.reasons[i]) && !pending->second[i].empty())
                               client.confirmed.insert(pending->second[i]);
                       }
                       note([&] {
                           std::string line = client.id.str() + " reads SUBACK";
                           for (std::size_t i = 0; i < suback.reasons.size(); ++i)
                               line += fmt::format(" {}={}",
                                                   pending->second[i],
                                                   static_cast<int>(suback.reasons[i]));
                           return line;
                       });
                       client.subscribing.erase(pending);
                   },
                   [&](const mqtt::Publish& publish) { on_publish(client, publish); },
                   [&](const mqtt::Puback& ack) { published_ack(ack.packet_id, ack.reason); },
                   [&](const mqtt::Pubrec& ack) {
                       published_ack(ack.packet_id, ack.reason);
                       if (!mqtt::is_error(ack.reason))
                           send(client, mqtt::Pubrel{ack.packet_id});
                   },
                   [&](const mqtt::Pubrel& release) {
                       client.unreleased.erase(release.packet_id);
                       client.owed.push_back({.packet_id = release.packet_id, .released = true});
                   },
                   [&](const auto&) {},
               },
               packet);
}

void World::on_publish(Client& client, const mqtt::Publish& packet) {
    const Uid uid = std::stoull(std::string{packet.payload});
    auto& published = published_.at(uid);
    ++delivered_;
    note([&] {
        return fmt::format("{} reads {} on {} place={} qos={} dup={} retain={} id={}",
                           client.id.str(),
                           uid,
                           packet.topic,
                           published.place,
                           static_cast<int>(packet.qos),
                           packet.dup,
                           packet.retain,
                           packet.packet_id);
    });
    if (packet.qos == Qos::exactly_once && client.unreleased.contains(packet.packet_id))
        fail(fmt::format("{}: {} was sent again after PUBREC", client.id.str(), uid));
    if (packet.retain)
        client.as_retained.insert(uid);
    else
        check_fresh(client, packet, published, uid);
    if (packet.qos == Qos::at_most_once)
        return;
    if (const auto promise = published.promises.find(number_of(client));
        promise != published.promises.end())
        promise->second.delivered = true;
    client.owed.push_back({packet.packet_id, packet.qos, uid, false, packet.retain});
}

void World::check_fresh(Client& client,
                        const mqtt::Publish& packet,
                        Published& published,
                        Uid uid) {
    // Live messages at QoS 0 are nowhere written down, so a later fetch brings them again.
    if (published.stored && client.qos == Qos::at_most_once)
        return;
    const auto [seen, first] = client.seen.try_emplace(uid, Seen{false, client.connection});
    if (!first) {
        if (seen->second.acked || seen->second.connection == client.connection)
            fail(fmt::format("{}: {} was delivered twice", client.id.str(), uid));
        else if (!packet.dup)
            fail(fmt::format("{}: {} was delivered again without DUP", client.id.str(), uid));
        seen->second.connection = client.connection;
        return;
    }
    const auto is_its_copy = [&](const Owed& owed) { return owed.retained && owed.uid == uid; };
    if (!published.live.contains(number_of(client)) &&
        std::any_of(client.owed.begin(), client.owed.end(), is_its_copy))
        fail(fmt::format(
            "{}: {} was fetched, and is in flight as the retained message", client.id.str(), uid));
    auto& newest =
        client.newest[fmt::format("{}/{}", published.topic, static_cast<int>(packet.qos))];
    // What the database refused is not among the stored ones, so it comes after all of them.
    const bool has_place = !published.refused && !client.left_over.contains(uid) &&
                           !client.as_retained.contains(uid) &&
                           published.place > client.unordered_until[published.topic];
    if (climate_.strict_order() && has_place && published.place <= newest)
        fail(fmt::format("{}: {} (place {} on {}) came after place {}",
                         client.id.str(),
                         uid,
                         published.place,
                         published.topic,
                         newest));
    if (has_place)
        newest = std::max(newest, published.place);
    if (climate_.mode == ReplayPlan::Mode::queue && published.stored)
        check_lease(client, published, uid);
    if (packet.qos == Qos::at_most_once)
        client.has_acknowledged(uid);
}

void World::check_lease(Client& client, const Published& published, Uid uid) {
    if (published.live.contains(number_of(client)))
        return;
    const auto handed = handed_.find({number_of(client), uid});
    if (handed == handed_.end())
        fail(fmt::format("{}: {} was neither live nor fetched", client.id.str(), uid));
    else if (!handed->second)
        fail(fmt::format("{}: {} was delivered from the store while another session had it",
                         client.id.str(),
                         uid));
}

}  // namespace keepmq::broker::model
