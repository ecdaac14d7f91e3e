#include "load/audit_plan.hpp"

#include <charconv>

namespace keepmq::load {
namespace {

std::string replaced(std::string text, std::string_view mark, std::string_view by) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size()))
        text.replace(at, mark.size(), by);
    return text;
}

/// Reads a number and the slash after it.
template <class T>
bool take(std::string_view& text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data() + text.size() || *end != '/')
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return true;
}

}  // namespace

Qos qos_of(const AuditPlan& plan, std::size_t producer) {
    const bool exact =
        plan.qos == AuditQos::two || (plan.qos == AuditQos::both && producer % 2 == 1);
    return exact ? Qos::exactly_once : Qos::at_least_once;
}

std::size_t topic_number(const AuditPlan& plan, std::uint64_t number) {
    return static_cast<std::size_t>(number % plan.topics);
}

std::string topic_name(const AuditPlan& plan, std::size_t topic) {
    return replaced(replaced(plan.topic, "%r", plan.run), "%t", std::to_string(topic));
}

std::string filter_of(const AuditPlan& plan) {
    std::string filter = "/" + replaced(plan.topic, "%r", plan.run) + "/";
    if (filter.find("/%t/") == std::string::npos)
        return {};
    filter = replaced(std::move(filter), "/%t/", "/+/");
    return filter.substr(1, filter.size() - 2);
}

std::string payload_of(const AuditPlan& plan, const AuditMark& mark) {
    std::string text = plan.run + '/' + std::to_string(mark.producer) + '/' +
                       std::to_string(mark.number) + '/' + std::to_string(mark.at) + '/';
    if (text.size() < plan.payload)
        text.append(plan.payload - text.size(), 'x');
    return text;
}

std::optional<AuditMark> read_payload(const AuditPlan& plan, std::string_view payload) {
    auto rest = payload;
    if (!rest.starts_with(plan.run) || rest.size() == plan.run.size() ||
        rest[plan.run.size()] != '/')
        return std::nullopt;
    rest.remove_prefix(plan.run.size() + 1);
    AuditMark mark;
    if (!take(rest, mark.producer) || !take(rest, mark.number) || !take(rest, mark.at) ||
        mark.producer >= plan.publishers || payload_of(plan, mark) != payload)
        return std::nullopt;
    return mark;
}

}  // namespace keepmq::load
