#include "load/audit_report.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace keepmq::load {
namespace {

namespace json = boost::json;

json::array list(const std::vector<std::string>& texts) {
    json::array out;
    for (const auto& each : texts) out.emplace_back(each);
    return out;
}

json::object latency_json(const LatencySummary& latency) {
    return {{"p50", latency.p50}, {"p99", latency.p99}, {"max", latency.max}};
}

void print_latency(std::ostream& out, const char* what, const LatencySummary& latency) {
    out << what << " latency p50 " << latency.p50 << " us, p99 " << latency.p99 << " us, max "
        << latency.max << " us\n";
}

}  // namespace

bool AuditReport::clean() const {
    return verdict.clean() && (!deliveries || deliveries->clean());
}

void AuditReport::print(std::ostream& out) const {
    out << "acked " << verdict.acked << ", stored " << verdict.stored << ", dead-lettered "
        << verdict.dead_lettered << ", missing " << verdict.missing << ", duplicate "
        << verdict.duplicate << ", out of order " << verdict.out_of_order << ", damaged "
        << verdict.damaged << '\n';
    if (deliveries)
        out << "delivered " << deliveries->received << ", missing " << deliveries->missing
            << ", duplicate " << deliveries->duplicate << ", redelivered "
            << deliveries->redelivered << ", out of order " << deliveries->out_of_order
            << ", damaged " << deliveries->damaged << '\n';
    out << "run " << run << ": sent " << sends << " times, stored without acknowledgement "
        << verdict.unacknowledged << ", refused " << refusals << ", sessions lost " << sessions_lost
        << '\n';
    if (figures) {
        out << "published for " << figures->seconds << " s, connections lost "
            << figures->connections_lost << ", publishers without all answers "
            << figures->unsettled << '\n';
        print_latency(out, "acknowledgement", figures->ack);
        if (deliveries)
            print_latency(out, "delivery", figures->delivery);
    }
    for (const auto& each : verdict.findings) out << "  " << each << '\n';
    if (deliveries)
        for (const auto& each : deliveries->findings) out << "  " << each << '\n';
}

std::string AuditReport::to_json() const {
    json::object out{
        {"run", run},
        {"clean", clean()},
        {"acked", verdict.acked},
        {"stored", verdict.stored},
        {"dead_lettered", verdict.dead_lettered},
        {"missing", verdict.missing},
        {"duplicate", verdict.duplicate},
        {"out_of_order", verdict.out_of_order},
        {"damaged", verdict.damaged},
        {"unacknowledged", verdict.unacknowledged},
        {"sends", sends},
        {"refused", refusals},
        {"sessions_lost", sessions_lost},
        {"findings", list(verdict.findings)},
    };
    if (figures) {
        out["seconds"] = figures->seconds;
        out["connections_lost"] = figures->connections_lost;
        out["unsettled"] = figures->unsettled;
        out["ack_latency_us"] = latency_json(figures->ack);
    }
    if (deliveries) {
        json::object delivery{
            {"received", deliveries->received},
            {"missing", deliveries->missing},
            {"duplicate", deliveries->duplicate},
            {"redelivered", deliveries->redelivered},
            {"out_of_order", deliveries->out_of_order},
            {"damaged", deliveries->damaged},
            {"findings", list(deliveries->findings)},
        };
        if (figures)
            delivery["latency_us"] = latency_json(figures->delivery);
        out["delivery"] = std::move(delivery);
    }
    return json::serialize(out);
}

}  // namespace keepmq::load
