#include "load/audit_judge.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace keepmq::load {
namespace {

constexpr std::size_t most_findings = 20;

template <class T>
void count_up(T& value) {
    if (value < std::numeric_limits<T>::max())
        ++value;
}

void note(std::vector<std::string>& findings, std::string text) {
    if (findings.size() < most_findings)
        findings.push_back(std::move(text));
}

std::string name_of(const AuditPlan& plan, std::size_t producer, std::uint64_t number) {
    return "producer " + std::to_string(producer) + " number " + std::to_string(number) + " (QoS " +
           std::to_string(static_cast<unsigned>(qos_of(plan, producer))) + ", topic " +
           topic_name(plan, topic_number(plan, number)) + ')';
}

template <class T>
T& at(std::vector<T>& list, std::uint64_t index) {
    if (list.size() <= index)
        list.resize(index + 1);
    return list[index];
}

/// The mark, if this message belongs into this topic.
std::optional<AuditMark> read_in_topic(const AuditPlan& plan,
                                       std::string_view topic,
                                       std::string_view payload) {
    auto mark = read_payload(plan, payload);
    if (mark && topic_name(plan, topic_number(plan, mark->number)) != topic)
        mark.reset();
    return mark;
}

}  // namespace

Judge::Judge(const AuditPlan& plan, const Ledger& ledger)
    : plan_{&plan},
      ledger_{&ledger},
      kept_(plan.publishers),
      after_(plan.publishers, std::vector<std::uint64_t>(plan.topics)) {}

void Judge::damaged(std::string_view topic, std::string_view why) {
    ++found_.damaged;
    note(found_.findings, "damaged: a row in topic " + std::string{topic} + ' ' + std::string{why});
}

void Judge::row(std::string_view topic, std::string_view payload) {
    ++rows_;
    const auto mark = read_in_topic(*plan_, topic, payload);
    if (!mark)
        return damaged(topic, "has a payload that was not published there");
    if (mark->number >= ledger_->of(mark->producer).size())
        return damaged(topic, "was never sent: " + name_of(*plan_, mark->producer, mark->number));
    auto& kept = at(kept_[mark->producer], mark->number);
    count_up(kept.rows);
    auto& after = after_[mark->producer][topic_number(*plan_, mark->number)];
    if (kept.rows == 1 && mark->number + 1 < after) {
        ++found_.out_of_order;
        note(found_.findings,
             "out of order: " + name_of(*plan_, mark->producer, mark->number) +
                 " is stored after " + std::to_string(after - 1));
    }
    after = std::max(after, mark->number + 1);
}

void Judge::dead_letter(std::string_view topic, std::string_view payload) {
    if (const auto mark = read_in_topic(*plan_, topic, payload))
        count_up(at(kept_[mark->producer], mark->number).letters);
}

bool Judge::has_row(std::size_t producer, std::uint64_t number) const {
    return number < kept_[producer].size() && kept_[producer][number].rows > 0;
}

AuditVerdict Judge::verdict() const {
    auto verdict = found_;
    for (std::size_t producer = 0; producer < ledger_->producers(); ++producer) {
        const auto& entries = ledger_->of(producer);
        for (std::uint64_t number = 0; number < entries.size(); ++number) {
            const auto& entry = entries[number];
            const auto kept = number < kept_[producer].size() ? kept_[producer][number] : Kept{};
            verdict.acked += entry.acked;
            verdict.stored += entry.acked && kept.rows > 0;
            verdict.dead_lettered += entry.acked && kept.rows == 0 && kept.letters > 0;
            verdict.unacknowledged += !entry.acked && kept.rows > 0;
            if (entry.acked && kept.rows == 0 && kept.letters == 0) {
                ++verdict.missing;
                note(verdict.findings, "missing: " + name_of(*plan_, producer, number));
            }
            if (kept.rows + kept.letters > entry.allowed) {
                ++verdict.duplicate;
                note(verdict.findings,
                     "duplicate: " + name_of(*plan_, producer, number) + " has " +
                         std::to_string(kept.rows) + " rows and " + std::to_string(kept.letters) +
                         " dead letters, was sent " + std::to_string(entry.sends) + " times, " +
                         std::to_string(entry.allowed) + " allowed");
            }
        }
    }
    return verdict;
}

void DeliveryVerdict::add(const DeliveryVerdict& other) {
    received += other.received;
    missing += other.missing;
    duplicate += other.duplicate;
    redelivered += other.redelivered;
    out_of_order += other.out_of_order;
    damaged += other.damaged;
    for (const auto& each : other.findings) note(findings, each);
}

Tally::Tally(const AuditPlan& plan)
    : plan_{plan},
      seen_(plan.publishers),
      after_(plan.publishers, std::vector<std::uint64_t>(plan.topics)) {}

std::optional<AuditMark> Tally::received(std::string_view topic, std::string_view payload) {
    const auto mark = read_in_topic(plan_, topic, payload);
    if (!mark) {
        ++found_.damaged;
        note(found_.findings,
             "damaged: delivered from topic " + std::string{topic} + ", not published there");
        return mark;
    }
    ++found_.received;
    auto& seen = at(seen_[mark->producer], mark->number);
    const bool first = seen.connection == 0;
    if (seen.connection != connection_) {
        found_.redelivered += !first;
        seen.connection = connection_;
        seen.times = 0;
    }
    count_up(seen.times);
    seen.most = std::max(seen.most, seen.times);
    auto& after = after_[mark->producer][topic_number(plan_, mark->number)];
    if (first && mark->number + 1 < after) {
        ++found_.out_of_order;
        note(found_.findings,
             "delivered out of order: " + name_of(plan_, mark->producer, mark->number) +
                 " came after " + std::to_string(after - 1));
    }
    after = std::max(after, mark->number + 1);
    return mark;
}

bool Tally::complete(const Ledger& ledger) const {
    for (std::size_t producer = 0; producer < ledger.producers(); ++producer) {
        const auto& entries = ledger.of(producer);
        const auto& seen = seen_[producer];
        for (std::uint64_t number = entries.size(); number-- > 0;)
            if (entries[number].acked && (number >= seen.size() || seen[number].connection == 0))
                return false;
    }
    return true;
}

DeliveryVerdict Tally::verdict(const Ledger& ledger, const Judge& stored) const {
    auto verdict = found_;
    for (std::size_t producer = 0; producer < ledger.producers(); ++producer) {
        const auto& entries = ledger.of(producer);
        for (std::uint64_t number = 0; number < entries.size(); ++number) {
            const auto& entry = entries[number];
            const auto seen = number < seen_[producer].size() ? seen_[producer][number] : Seen{};
            if (entry.acked && seen.connection == 0 && stored.has_row(producer, number)) {
                ++verdict.missing;
                note(verdict.findings, "not delivered: " + name_of(plan_, producer, number));
            }
            if (seen.most > entry.allowed) {
                ++verdict.duplicate;
                note(verdict.findings,
                     "delivered " + std::to_string(seen.most) +
                         " times: " + name_of(plan_, producer, number));
            }
        }
    }
    return verdict;
}

}  // namespace keepmq::load
