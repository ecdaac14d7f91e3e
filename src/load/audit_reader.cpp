#include "load/audit_reader.hpp"

#include "load/audit_producer.hpp"

namespace keepmq::load {

AuditReader::AuditReader(const AuditPlan& plan, std::size_t index, Latencies& latencies)
    : Peer{{plan.host, plan.port, plan.version}, plan.run + "-s" + std::to_string(index)},
      plan_{plan},
      latencies_{latencies},
      tally_{plan} {}

void AuditReader::on_connected(const mqtt::Connack& connack) {
    tally_.connected();
    if (connack.session_present && subscribed_)
        return;
    subscribed_ = false;
    const auto filter = filter_of(plan_);
    mqtt::Subscribe packet;
    packet.packet_id = 1;
    packet.entries.push_back(
        {filter, Qos::at_least_once, false, false, mqtt::RetainHandling::do_not_send});
    client().send(mqtt::Packet{packet});
}

void AuditReader::on_packet(const mqtt::Packet& packet) {
    if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        ++deliveries_;
        if (const auto mark = tally_.received(publish->topic, publish->payload))
            latencies_.record(steady_micros() - mark->at);
        if (publish->qos == Qos::at_least_once)
            client().send(mqtt::Puback{publish->packet_id, {}, {}, {}});
    } else if (const auto* suback = std::get_if<mqtt::Suback>(&packet)) {
        subscribed_ = !suback->reasons.empty() && !mqtt::is_error(suback->reasons.front());
        if (!subscribed_)
            give_up("the broker refused the subscription");
    }
}

}  // namespace keepmq::load
