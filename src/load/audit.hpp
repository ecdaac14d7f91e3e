#pragma once
// An audit's load: publishers and subscribers that keep a broker busy while somebody breaks things.

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "load/audit_judge.hpp"
#include "load/audit_ledger.hpp"
#include "load/audit_plan.hpp"

namespace keepmq::load {

struct AuditProgress {
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;
    std::uint64_t received = 0;
    std::size_t connected = 0;  ///< of all clients
    std::string trouble;        ///< why one is not
};

struct LatencySummary {
    std::uint64_t p50 = 0, p99 = 0, max = 0;  ///< microseconds
};

struct AuditFigures {
    double seconds = 0;  ///< of publishing
    std::uint64_t connections_lost = 0;
    std::uint64_t unsettled = 0;  ///< publishers that never got all their answers
    LatencySummary ack;           ///< from the first send to PUBACK or PUBREC
    LatencySummary delivery;      ///< from the first send to a subscriber
};

/// Blocking; one thread.
class Audit {
  public:
    /// Called once a second.
    using OnProgress = std::function<void(const AuditProgress&)>;
    /// How often somebody asked it to stop.
    using StopRequests = std::function<unsigned()>;

    /// `log` may be null. Plan, ledger and log outlive it.
    Audit(const AuditPlan& plan, Ledger& ledger, std::ostream* log);
    ~Audit();
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;

    /// Waits until the broker is there, publishes until the plan is done or it is asked to stop,
    /// waits for the answers that are open and for the subscribers. A second request to stop ends
    /// the waiting. Returns why it could not run; empty if it could.
    [[nodiscard]] std::string run(const StopRequests& stop_requests, const OnProgress& on_progress);

    [[nodiscard]] const AuditFigures& figures() const;
    /// Of all subscribers together.
    [[nodiscard]] DeliveryVerdict deliveries(const Judge& stored) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::load
