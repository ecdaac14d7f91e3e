#include "load/audit_ledger.hpp"

#include <istream>
#include <limits>
#include <ostream>
#include <sstream>

namespace keepmq::load {
namespace {

constexpr std::string_view magic = "keepmq-audit";

void count_up(std::uint16_t& value) {
    if (value < std::numeric_limits<std::uint16_t>::max())
        ++value;
}

std::optional<AuditPlan> read_head(const std::string& line) {
    std::istringstream words{line};
    std::string word;
    AuditPlan plan;
    unsigned qos = 0;
    if (!(words >> word) || word != magic ||
        !(words >> plan.run >> plan.publishers >> qos >> plan.topics >> plan.payload) || qos > 2 ||
        plan.topics == 0 || !std::getline(words >> std::ws, plan.topic))
        return std::nullopt;
    plan.qos = static_cast<AuditQos>(qos);
    return plan;
}

}  // namespace

Ledger::Ledger(const AuditPlan& plan, std::ostream* log) : entries_(plan.publishers), log_{log} {
    for (std::size_t i = 0; i < plan.publishers; ++i)
        exact_.push_back(qos_of(plan, i) == Qos::exactly_once);
}

void Ledger::write_head(const AuditPlan& plan, std::ostream& log) {
    log << magic << ' ' << plan.run << ' ' << plan.publishers << ' '
        << static_cast<unsigned>(plan.qos) << ' ' << plan.topics << ' ' << plan.payload << ' '
        << plan.topic << std::endl;
}

void Ledger::sent(std::size_t producer, std::uint64_t number, Session session) {
    if (log_ != nullptr)
        *log_ << (session == Session::fresh ? "F " : "S ") << producer << ' ' << number << '\n';
    auto& entries = entries_[producer];
    if (entries.size() <= number)
        entries.resize(number + 1);
    auto& entry = entries[number];
    count_up(entry.sends);
    if (!exact_[producer] || session == Session::fresh)
        count_up(entry.allowed);
    ++sends_;
}

void Ledger::acked(std::size_t producer, std::uint64_t number) {
    if (log_ != nullptr)
        *log_ << "A " << producer << ' ' << number << '\n';
    auto& entry = entries_[producer][number];
    if (!entry.acked)
        ++acked_;
    entry.acked = true;
}

std::optional<Ledger::FromLog> Ledger::read(std::istream& log, std::string& error) {
    std::string line;
    std::getline(log, line);
    const auto plan = read_head(line);
    if (!plan) {
        error = "line 1 is not the head of an audit's log";
        return std::nullopt;
    }
    FromLog found{*plan, Ledger{*plan}};
    for (std::size_t at = 2; std::getline(log, line); ++at) {
        if (log.eof())  // no line end: it was being written
            break;
        std::istringstream words{line};
        char event = 0;
        std::size_t producer = 0;
        std::uint64_t number = 0;
        auto& ledger = found.ledger;
        const bool whole = (words >> event >> producer >> number) && producer < plan->publishers &&
                           number <= ledger.of(producer).size();
        if (whole && (event == 'F' || event == 'S'))
            ledger.sent(producer, number, event == 'F' ? Session::fresh : Session::same);
        else if (whole && event == 'A' && number < ledger.of(producer).size())
            ledger.acked(producer, number);
        else {
            error = "line " + std::to_string(at) + " cannot be read: " + line;
            return std::nullopt;
        }
    }
    return found;
}

}  // namespace keepmq::load
