#pragma once
// Compares what was acknowledged with what is kept and what was delivered. Pure.
//
//   missing       acknowledged, and neither stored nor among the dead letters
//   duplicate     more rows than the protocol allows, see Ledger::Entry
//   out of order  stored after a later message of the same producer in the same topic
//   damaged       in a topic of the run, with a payload that the run did not publish there

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/audit_ledger.hpp"

namespace keepmq::load {

/// What came of all of it. The first few of each kind are named.
struct AuditVerdict {
    std::uint64_t acked = 0;
    std::uint64_t stored = 0;          ///< of the acknowledged: at least one row
    std::uint64_t dead_lettered = 0;   ///< of the acknowledged: only there
    std::uint64_t unacknowledged = 0;  ///< rows of messages that were sent and not acknowledged
    std::uint64_t missing = 0;
    std::uint64_t duplicate = 0;
    std::uint64_t out_of_order = 0;
    std::uint64_t damaged = 0;
    std::vector<std::string> findings;

    [[nodiscard]] bool clean() const {
        return missing == 0 && duplicate == 0 && out_of_order == 0 && damaged == 0;
    }
};

/// Takes the rows of a run and the dead letters. Plan and ledger outlive it.
class Judge {
  public:
    Judge(const AuditPlan& plan, const Ledger& ledger);

    /// A stored message; those of one topic come in the order of the store.
    void row(std::string_view topic, std::string_view payload);
    /// Letters that are not of this run are passed over.
    void dead_letter(std::string_view topic, std::string_view payload);

    /// Whether a message has a row.
    [[nodiscard]] bool has_row(std::size_t producer, std::uint64_t number) const;
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] AuditVerdict verdict() const;

  private:
    struct Kept {
        std::uint16_t rows = 0;
        std::uint16_t letters = 0;
    };
    void damaged(std::string_view topic, std::string_view why);

    const AuditPlan* plan_;
    const Ledger* ledger_;
    std::vector<std::vector<Kept>> kept_;            ///< by producer and number
    std::vector<std::vector<std::uint64_t>> after_;  ///< by producer and topic: newest number + 1
    std::uint64_t rows_ = 0;
    AuditVerdict found_;  ///< what is known row by row
};

/// What one subscriber with a lasting session received.
struct DeliveryVerdict {
    std::uint64_t received = 0;
    std::uint64_t missing = 0;  ///< acknowledged and stored, never received
    /// Received more often within one connection than it was published.
    std::uint64_t duplicate = 0;
    std::uint64_t redelivered = 0;   ///< again on a later connection, as QoS 1 allows
    std::uint64_t out_of_order = 0;  ///< came first after a later one of its producer and topic
    std::uint64_t damaged = 0;
    std::vector<std::string> findings;

    [[nodiscard]] bool clean() const {
        return missing == 0 && duplicate == 0 && out_of_order == 0 && damaged == 0;
    }
    void add(const DeliveryVerdict& other);
};

/// The plan outlives it.
class Tally {
  public:
    explicit Tally(const AuditPlan& plan);

    /// A new connection begins.
    void connected() { ++connection_; }
    /// When it was sent; nothing if it is no message of this run.
    std::optional<AuditMark> received(std::string_view topic, std::string_view payload);
    /// Whether everything that was acknowledged has come.
    [[nodiscard]] bool complete(const Ledger& ledger) const;
    [[nodiscard]] DeliveryVerdict verdict(const Ledger& ledger, const Judge& stored) const;

  private:
    struct Seen {
        std::uint32_t connection = 0;  ///< of the last time; 0: never
        std::uint8_t times = 0;        ///< on that connection
        std::uint8_t most = 0;         ///< on any one
    };
    const AuditPlan& plan_;
    std::vector<std::vector<Seen>> seen_;
    std::vector<std::vector<std::uint64_t>> after_;
    std::uint32_t connection_ = 0;
    DeliveryVerdict found_;
};

}  // namespace keepmq::load
