#pragma once
// What an audit has sent and what was acknowledged. Written to a file as it happens, the audit can
// be judged after its process was killed.

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "load/audit_plan.hpp"

namespace keepmq::load {

/// One thread.
class Ledger {
  public:
    struct Entry {
        std::uint16_t sends = 0;
        /// How many rows the protocol allows: QoS 1, one for each time it was sent; QoS 2, one for
        /// each session it was sent in.
        std::uint16_t allowed = 0;
        bool acked = false;
    };

    /// With a log, each event is also written there, before the bytes leave or when they came; the
    /// caller flushes it. The log outlives the ledger.
    explicit Ledger(const AuditPlan& plan, std::ostream* log = nullptr);

    /// A log says in its first line which plan it belongs to.
    static void write_head(const AuditPlan& plan, std::ostream& log);
    /// The plan (as far as judging needs it) and the ledger in a log. A last line that was cut by
    /// the end of the process is left out. On failure `error` says where and why.
    struct FromLog;
    [[nodiscard]] static std::optional<FromLog> read(std::istream& log, std::string& error);

    enum class Session : std::uint8_t { same, fresh };
    /// `fresh`: for the first time in this session.
    void sent(std::size_t producer, std::uint64_t number, Session session);
    void acked(std::size_t producer, std::uint64_t number);
    /// The broker answered with an error: it does not have to be stored.
    void refused() { ++refused_; }
    /// The broker forgot a lasting session.
    void session_lost() { ++sessions_lost_; }

    /// By number; numbers that were never sent are at the end and not there.
    [[nodiscard]] const std::vector<Entry>& of(std::size_t producer) const {
        return entries_[producer];
    }
    [[nodiscard]] std::size_t producers() const { return entries_.size(); }
    [[nodiscard]] std::uint64_t sends() const { return sends_; }
    [[nodiscard]] std::uint64_t acked() const { return acked_; }
    [[nodiscard]] std::uint64_t refusals() const { return refused_; }
    [[nodiscard]] std::uint64_t sessions_lost() const { return sessions_lost_; }

  private:
    std::vector<bool> exact_;  ///< by producer: QoS 2
    std::vector<std::vector<Entry>> entries_;
    std::ostream* log_;
    std::uint64_t sends_ = 0;
    std::uint64_t acked_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t sessions_lost_ = 0;
};

struct Ledger::FromLog {
    AuditPlan plan;
    Ledger ledger;
};

}  // namespace keepmq::load
