#pragma once
// Reads what a database and the dead letters kept of an audit.

#include <optional>
#include <string>

#include "load/audit_judge.hpp"
#include "store/backend.hpp"

namespace keepmq::app {

/// Blocking; one thread. The backend outlives it.
class AuditStore {
  public:
    /// `dead_letters`: the broker's file; one that does not exist has no letters.
    AuditStore(const store::Backend& backend, std::string dead_letters)
        : backend_{backend}, dead_letters_{std::move(dead_letters)} {}

    /// Reads all topics of the plan until nothing is missing and two readings agree, at most for
    /// the time that the plan gives it to settle; the last reading is then in `judge`. A text when
    /// nothing could be read.
    [[nodiscard]] std::optional<std::string> read(const load::AuditPlan& plan,
                                                  const load::Ledger& ledger,
                                                  load::Judge& judge) const;

  private:
    [[nodiscard]] std::optional<std::string> read_rows(const load::AuditPlan& plan,
                                                       load::Judge& judge) const;
    [[nodiscard]] std::optional<std::string> read_dead_letters(load::Judge& judge) const;

    const store::Backend& backend_;
    std::string dead_letters_;
};

}  // namespace keepmq::app
