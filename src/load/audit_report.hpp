#pragma once
// What an audit says at its end.

#include <iosfwd>
#include <optional>
#include <string>

#include "load/audit.hpp"

namespace keepmq::load {

struct AuditReport {
    std::string run;
    std::uint64_t sends = 0;
    std::uint64_t refusals = 0;
    std::uint64_t sessions_lost = 0;
    AuditVerdict verdict;
    std::optional<AuditFigures> figures;        ///< not when a log was judged
    std::optional<DeliveryVerdict> deliveries;  ///< with subscribers

    /// Nothing acknowledged is missing, nothing is there too often or in the wrong place.
    [[nodiscard]] bool clean() const;
    /// One line for each part, and the first findings. Topics are those of the plan: harmless.
    void print(std::ostream& out) const;
    [[nodiscard]] std::string to_json() const;
};

}  // namespace keepmq::load
