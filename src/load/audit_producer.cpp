#include "load/audit_producer.hpp"

#include <algorithm>

namespace keepmq::load {
namespace {

std::string client_id(const AuditPlan& plan, std::size_t index) {
    return plan.run + "-p" + std::to_string(index);
}

}  // namespace

std::int64_t steady_micros() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

Producer::Producer(const AuditPlan& plan, std::size_t index, Ledger& ledger, Latencies& latencies)
    : Peer{{plan.host, plan.port, plan.version}, client_id(plan, index)},
      plan_{plan},
      index_{index},
      qos_{qos_of(plan, index)},
      ledger_{ledger},
      latencies_{latencies} {}

bool Producer::can_publish() const {
    return is_up() && !is_done() && open_.size() < room_;
}

void Producer::publish(std::int64_t now) {
    open_.push_back({{index_, next_++, now}, free_id(), false});
    ledger_.sent(index_, open_.back().mark.number, Ledger::Session::fresh);
    send(open_.back(), false);
}

void Producer::send(const Open& open, bool again) {
    const auto payload = payload_of(plan_, open.mark);
    const auto topic = topic_name(plan_, topic_number(plan_, open.mark.number));
    mqtt::Publish packet;
    packet.dup = again;
    packet.qos = qos_;
    packet.topic = topic;
    packet.packet_id = open.id;
    packet.payload = payload;
    client().send(packet);
}

void Producer::on_connected(const mqtt::Connack& connack) {
    room_ = std::min<std::size_t>(plan_.window, connack.receive_maximum.value_or(65'535));
    const bool same = connack.session_present;
    if (was_connected_ && !same) {
        ledger_.session_lost();
        std::erase_if(open_, [](const Open& open) { return open.released; });
    }
    was_connected_ = true;
    for (const auto& open : open_) {
        if (open.released) {
            client().send(mqtt::Pubrel{open.id, {}, {}, {}});
            continue;
        }
        const auto session = same ? Ledger::Session::same : Ledger::Session::fresh;
        ledger_.sent(index_, open.mark.number, session);
        send(open, same);
    }
}

void Producer::on_packet(const mqtt::Packet& packet) {
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
        settle(puback->packet_id, puback->reason);
    } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
        if (mqtt::is_error(pubrec->reason))
            return settle(pubrec->packet_id, pubrec->reason);
        const auto found = find(pubrec->packet_id);
        if (found != open_.end())
            acknowledged(*found);
        client().send(mqtt::Pubrel{pubrec->packet_id, {}, {}, {}});
    } else if (const auto* pubcomp = std::get_if<mqtt::Pubcomp>(&packet)) {
        const auto found = find(pubcomp->packet_id);
        if (found != open_.end() && found->released)
            open_.erase(found);
    }
}

void Producer::acknowledged(Open& open) {
    if (open.released)
        return;
    open.released = true;
    ledger_.acked(index_, open.mark.number);
    latencies_.record(steady_micros() - open.mark.at);
}

void Producer::settle(mqtt::PacketId id, mqtt::ReasonCode reason) {
    const auto found = find(id);
    if (found == open_.end() || found->released)
        return;
    if (mqtt::is_error(reason))
        ledger_.refused();
    else
        acknowledged(*found);
    open_.erase(found);
}

std::deque<Producer::Open>::iterator Producer::find(mqtt::PacketId id) {
    return std::ranges::find(open_, id, &Open::id);
}

mqtt::PacketId Producer::free_id() {
    do {
        last_id_ =
            last_id_ == 65'535 ? mqtt::PacketId{1} : static_cast<mqtt::PacketId>(last_id_ + 1);
    } while (find(last_id_) != open_.end());
    return last_id_;
}

}  // namespace keepmq::load
